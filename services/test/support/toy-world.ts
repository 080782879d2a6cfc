import type { Loop } from '@convos/kit'
import request from 'supertest'
import { startRunner } from '../../src/runner.ts'
import { type FakeInstance, healthy } from './fake-instances.ts'
import { createHarness, IMAGE, newId } from './harness.ts'
import { toyTool } from './toy-tool.ts'

/** What a claim says. */
export const ORDER = {
  claimId: 'claim-1',
  agentName: 'Tokyo Trip: Planner!',
  instructions: 'Be kind.',
  model: null,
  owner: null,
  templateId: null,
  allowedTools: [],
}

/** Services with a toy for a tool, and no loop running before `start`. */
export async function createToyWorld(postgresUrl: string) {
  const h = await createHarness(postgresUrl)
  const toy = toyTool()
  h.ctx.tools.register(toy.plugin)
  let runner: Loop | null = null

  const call = (method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object) =>
    request(h.app)[method](path).set(h.headers).send(body)

  /** An instance with an address, and what it is told. */
  async function running() {
    const id = newId()
    await call('post', '/create-instance', { instanceId: id, image: IMAGE }).expect(202)
    await h.reach(id, 'deploying')
    const box = h.instances.at(h.infra.live().at(-1)?.domains[0] ?? '')
    box.health = healthy()
    box.respond = ({ path }) =>
      path === '/pool/provision'
        ? { status: 200, body: { ok: true, conversationId: 'c', inviteUrl: null, joined: false, status: 'active' } }
        : { status: 200, body: { ok: true } }
    await h.ctx.db.query(`update instance_infra set phase = 'running' where instance_id = $1`, [id])
    return { id, box }
  }
  /** The claim reaches the instance, which says so from then on. */
  async function configure(id: string) {
    await call('post', `/configure/${id}`, ORDER).expect(200)
    await bound(id)
  }
  async function bound(id: string, claimId = ORDER.claimId) {
    const { url } = await h.row(id)
    h.instances.at(new URL(url ?? '').host).health = healthy({ clean: false, binding: 'active', claimId })
    await h.ctx.db.query('update instance_infra set next_probe_at = clock_now() where instance_id = $1', [id])
    await call('post', '/status/batch', { instanceIds: [id] }).expect(200)
  }
  /** Sends it, without waiting for what only a runner brings about. */
  const asking = (...p: Parameters<typeof call>) => call(...p).then((res) => res)
  const told = (box: FakeInstance, path: string) =>
    box.seen.filter((seen) => seen.path === path).map(({ body }) => body as { env: Record<string, string | null> })
  const rows = async (id: string) => {
    const { rows: found } = await h.ctx.db.query<{ kind: string; state: string; generation: number; delivered: boolean }>(
      `select kind, state, generation, delivered from instance_services where instance_id = $1 and tool_id = 'doorbell'
       order by generation, position`,
      [id],
    )
    return found
  }
  const start = () => {
    runner = startRunner(h.ctx)
  }
  const stop = async () => runner?.stop()

  return {
    h,
    toy,
    call,
    running,
    configure,
    bound,
    asking,
    told,
    rows,
    start,
    stop,
    async close() {
      await stop()
      await h.close()
    },
  }
}
export type ToyWorld = Awaited<ReturnType<typeof createToyWorld>>
