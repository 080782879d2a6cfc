import { useQuery } from '@tanstack/react-query'
import { templatesQuery } from '../api/queries.ts'

/** The template as people call it; its id until that is known, or when it is gone. */
export function TemplateName({ id }: { id: string }) {
  const { data } = useQuery({ ...templatesQuery, select: ({ templates }) => templates.find((one) => one.id === id)?.agentName })
  return <bdi title={id}>{data ?? id}</bdi>
}
