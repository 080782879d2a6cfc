import { Operation } from '../contract/index.ts'
import type { Command } from './command.ts'
import { follow } from './follow.ts'

/** The stock onto a pushed image. */
export const rollout: Command = {
  name: 'rollout',
  summary: 'moves the ready instances to the wanted image, one at a time',
  usage: 'usage: rollout [--stop]',
  help: `  --stop         replace nothing more

Agents in use stay as they are. To go back: push the former image, and roll out again.`,
  options: { stop: { type: 'boolean' } },
  async run({ api, terminal, values, json }) {
    const path = '/api/pool/rollout'
    const begun = await (values['stop'] === true ? api.delete(path, Operation) : api.post(path, {}, Operation))
    const code = await follow({ api, terminal, json }, begun)
    // what was not begun any more is what was asked for
    return values['stop'] === true ? 0 : code
  },
}
