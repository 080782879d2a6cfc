import { parse } from 'yaml'
import { z } from 'zod'

/** In the order in which notes tell them. */
const KINDS = { security: 'Security', added: 'Added', changed: 'Changed', fixed: 'Fixed', removed: 'Removed' }
type Kind = keyof typeof KINDS

const Head = z.strictObject({
  kind: z.enum(Object.keys(KINDS) as [Kind, ...Kind[]]),
  /** What whoever runs the system must do when they upgrade. */
  upgrade: z.string().trim().min(1).optional(),
})

export interface Change extends z.infer<typeof Head> {
  /** Markdown. */
  text: string
}

/**
 * A file of `.changes/`: YAML between two lines of dashes, then what a user notices.
 * @throws Error naming the file and what is wrong with it
 */
export function readChange(name: string, source: string): Change {
  const [, head, text = ''] = /^---\n(.*?\n)---\n(.*)$/s.exec(source) ?? []
  if (head === undefined) throw new Error(`${name}: must begin with a line of dashes, "kind: …", and another line of dashes`)
  const parsed = Head.safeParse(yaml(name, head))
  if (!parsed.success) throw new Error(`${name}: ${z.prettifyError(parsed.error)}`)
  if (text.trim() === '') throw new Error(`${name}: says nothing`)
  return { ...parsed.data, text: text.trim() }
}

function yaml(name: string, head: string): unknown {
  try {
    return parse(head)
  } catch (cause) {
    throw new Error(`${name}: what stands between the dashes is no YAML`, { cause })
  }
}

const item = (text: string) => `- ${text.replaceAll('\n', '\n  ')}`

/** The notes of a release as Markdown: first what must be done, then what is new, by kind. */
export function renderNotes(changes: Change[]): string {
  const chores = changes.flatMap(({ upgrade }) => upgrade ?? [])
  const sections = [
    ['Before you upgrade', chores] as const,
    ...Object.entries(KINDS).map(
      ([kind, title]) => [title, changes.filter((one) => one.kind === kind).map(({ text }) => text)] as const,
    ),
  ].filter(([, items]) => items.length > 0)
  if (sections.length === 0) return 'Nothing that a user would notice.\n'
  return sections.map(([title, items]) => `## ${title}\n\n${items.map(item).join('\n')}\n`).join('\n')
}
