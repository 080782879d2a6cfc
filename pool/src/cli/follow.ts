import { setTimeout as sleep } from 'node:timers/promises'
import { Operation, ReplenishReport } from '../contract/index.ts'
import type { Invocation } from './command.ts'

const EVERY_MS = 500
const WIDTH = 24

type Progress = Pick<Operation, 'kind' | 'total' | 'done' | 'failed' | 'waitsFor'>

/** How far an operation is and what it waits for, as one line. */
export function progressLine({ kind, total, done, failed, waitsFor }: Progress): string {
  const filled = total === 0 ? 0 : Math.round((WIDTH * (done + failed)) / total)
  const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
  return `${kind} ${bar} ${done} of ${total} done${failed > 0 ? `, ${failed} failed` : ''}${waitsFor ? `; waits: ${waitsFor.reason}` : ''}`
}

type Following = Pick<Invocation, 'api' | 'terminal'>

/** Waits for an operation's end, and shows its progress where somebody watches; elsewhere it says what it waits for, once. */
export async function toTheEnd({ api, terminal }: Following, begun: Operation): Promise<Operation> {
  let operation = begun
  let said: string | undefined
  while (operation.state === 'running') {
    const { waitsFor } = operation
    terminal.progress?.(progressLine(operation))
    if (!terminal.progress && waitsFor && waitsFor.code !== said) {
      said = waitsFor.code
      terminal.err(`waits: ${waitsFor.reason}`)
    }
    await sleep(EVERY_MS)
    operation = await api.get(`/api/pool/operations/${operation.id}`, Operation)
  }
  terminal.progress?.('')
  return operation
}

/** Follows an operation to its end and tells it; the exit code is 1 when any of it failed. */
export async function follow(p: Following & Pick<Invocation, 'json'>, begun: Operation): Promise<number> {
  const operation = await toTheEnd(p, begun)
  const { kind, state, total, done, failed, items, report } = operation
  if (p.json) p.terminal.out(JSON.stringify(operation, null, 2))
  else {
    p.terminal.out(`${kind} ${state}: ${done} of ${total} done, ${failed} failed`)
    const short = ReplenishReport.safeParse(report).data
    if (short) p.terminal.out(`  ${short.asked} were asked for: ${short.held.reason}`)
    for (const item of items) if (item.error) p.terminal.out(`  ${item.instanceId}: ${item.error}`)
  }
  return state === 'failed' || failed > 0 ? 1 : 0
}
