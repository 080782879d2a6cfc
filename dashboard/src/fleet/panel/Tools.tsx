import type { Instance } from '@convos/pool/contract'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeTool } from '../../api/instances.ts'
import { toolsQuery } from '../../api/queries.ts'
import { toolName } from '../../claim/templates.ts'
import { Age } from '../../ui/Age.tsx'
import { Button } from '../../ui/Button.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Field } from '../../ui/Field.tsx'
import { Problem } from '../../ui/Problem.tsx'
import { Skeleton } from '../../ui/Skeleton.tsx'
import { sentence } from '../../ui/format.ts'
import { toolQuery } from '../queries.ts'
import { type Credit, creditOf, exhaustedIn, factsIn, formatUsd } from './credit.ts'

/** The tools that it has, what was used of each, and their limits. */
export function Tools({ instance: { id, tools } }: { instance: Instance }) {
  if (tools.length === 0) return <EmptyState what="It has no tools." hint="Those of its template are made when it is claimed." />
  return (
    <ul className="tools">
      {tools.map((tool) => (
        <ToolCard key={`${id} ${tool.toolId}`} id={id} tool={tool} />
      ))}
    </ul>
  )
}

function ToolCard({ id, tool: { toolId, resourceId, state } }: { id: string; tool: Instance['tools'][number] }) {
  const { data, error } = useQuery(toolQuery(id, toolId))
  const offered = useQuery(toolsQuery).data?.tools
  const name = toolName(
    toolId,
    offered?.find((tool) => tool.toolId === toolId),
  )
  const sample = data?.usage?.sample
  const credit = sample ? creditOf(sample) : null
  const exhausted = sample ? exhaustedIn(sample) : null
  return (
    <li className="tool">
      <header className="tool-head">
        <h3>{name}</h3>
        <span className="tool-state">{(data?.state ?? state).replaceAll('_', ' ')}</span>
      </header>
      {resourceId !== null && (
        <p className="tool-resource">
          <code>{resourceId}</code> <CopyButton className="compact" label="Copy" of={`id of ${name}`} text={resourceId} />
        </p>
      )}
      {!data && !error && <Skeleton />}
      {error && <Problem error={error} />}
      {data?.error != null && <p className="bad">{sentence(data.error)}</p>}
      {credit && <CreditBar credit={credit} name={name} />}
      {exhausted !== null && <p className="notice">{exhausted}</p>}
      {credit && <Limit key={credit.limit} id={id} toolId={toolId} limit={credit.limit} />}
      {data && (
        <details className="disclosure">
          <summary>All that is known of it</summary>
          <Facts values={{ ...data.config, ...sample }} />
          {data.usage && (
            <p className="hint">
              Measured <Age since={data.usage.at} /> ago.
            </p>
          )}
        </details>
      )}
    </li>
  )
}

const CreditBar = ({ credit: { limit, used, share, reset }, name }: { credit: Credit; name: string }) => (
  <div className="credit">
    <meter min={0} max={1} high={0.9} optimum={0} value={share} aria-label={`Credit of ${name}`} />
    <p>
      {formatUsd(used)} of {formatUsd(limit)} used{reset !== null && `, reset ${reset}`}
    </p>
  </div>
)

const Facts = ({ values }: { values: Record<string, unknown> }) => (
  <dl className="facts">
    {factsIn(values).map(([name, value]) => (
      <div key={name} className="contents">
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

function Limit({ id, toolId, limit }: { id: string; toolId: string; limit: number }) {
  const client = useQueryClient()
  const [text, setText] = useState(String(limit))
  const change = useMutation({
    mutationFn: (next: number) => changeTool(id, toolId, { limit: next }),
    onSuccess: () => client.invalidateQueries({ queryKey: toolQuery(id, toolId).queryKey }),
  })
  const next = Number(text)
  const wrong = !Number.isFinite(next) || next <= 0 ? 'A number above 0, in USD' : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (wrong === undefined && !change.isPending) change.mutate(next)
  }
  return (
    <form className="credit-limit" onSubmit={submit}>
      <Field label="Limit, USD" error={wrong}>
        {(control) => <input {...control} inputMode="decimal" value={text} onChange={(event) => setText(event.target.value)} />}
      </Field>
      <Button type="submit" busy={change.isPending} unable={wrong ?? (next === limit ? 'it is that already' : undefined)}>
        {next < limit ? 'Lower the limit' : 'Raise the limit'}
      </Button>
      <span role="status" className="hint">
        {change.isSuccess ? 'Changed; what was used is measured again within five minutes.' : ''}
      </span>
      {change.error && <Problem error={change.error} />}
    </form>
  )
}
