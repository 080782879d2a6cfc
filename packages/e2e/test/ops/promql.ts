import { parser } from '@prometheus-io/lezer-promql'

/** What an expression asks for: a metric, and the labels that it goes by. */
export interface Asked {
  metric: string
  labels: string[]
}

type Cursor = ReturnType<ReturnType<typeof parser.parse>['cursor']>

/** Every metric of a PromQL expression; with the labels it is selected by, and those that its aggregations name. */
export function metricsOf(expression: string): Asked[] {
  const text = ({ from, to }: { from: number; to: number }) => expression.slice(from, to)
  const asked: Asked[] = []
  const cursor: Cursor = parser.parse(expression).cursor()
  do {
    if (cursor.type.isError) throw new Error(`no PromQL at ${cursor.from}: ${expression}`)
    if (cursor.name !== 'VectorSelector') continue
    const { node } = cursor
    const name = node.getChild('Identifier')
    if (!name) throw new Error(`a selector without a name: ${text(node)}`)
    const labels: string[] = []
    node.cursor().iterate((at) => {
      if (at.name === 'LabelName') labels.push(text(at))
    })
    asked.push({ metric: text(name), labels })
  } while (cursor.next())
  return asked
}
