import { z } from 'zod'

const WEBHOOK_FAULTS = ['lose', 'duplicate', 'reorder'] as const
export type WebhookFault = (typeof WEBHOOK_FAULTS)[number]

const Ms = z.int().positive()

/** What becomes of a deployment, decided as it begins. */
export const DeploymentFault = z.strictObject({
  kind: z.literal('deployment'),
  /**
   * `fail`: its image cannot be pulled. `crash-loop`: every start ends at once. `slow`: DEPLOYING takes `ms` longer.
   * `oom`: it is killed `ms` after each start. `sleep`: once up for `ms`, it sleeps until it is asked something.
   */
  how: z.enum(['fail', 'crash-loop', 'slow', 'oom', 'sleep']),
  ms: Ms.optional(),
})
export type DeploymentFault = z.infer<typeof DeploymentFault>

const InstanceFault = z
  .strictObject({
    kind: z.literal('instance'),
    /**
     * `unhealthy` and `dirty` change what its health says, `slow-boot` delays a start by `ms`, `exit` ends the process;
     * `hang-after` and `drop-after` let it be carried out and keep or lose the answer; all others take the place of the answer.
     */
    how: z.enum([
      'unhealthy',
      'dirty',
      'error-500',
      'hang',
      'hang-after',
      'drop-before',
      'drop-after',
      'slow-boot',
      'exit',
      'unauthorized',
      'redirect',
      'huge-body',
    ]),
    ms: Ms.optional(),
    /** Where `redirect` leads. */
    to: z.url().optional(),
  })
  .refine(({ how, to }) => (how === 'redirect') === (to !== undefined), { path: ['to'], error: 'goes with redirect' })
export type InstanceFault = z.infer<typeof InstanceFault>

export const Effect = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    /** A string is sent as it is, anything else as JSON. */
    body: z.unknown().optional(),
    headers: z.record(z.string(), z.string()).default({}),
  }),
  z.strictObject({ kind: z.literal('graphql-error'), message: z.string() }),
  z.strictObject({ kind: z.literal('html-429') }),
  /** The request is carried out late, even when its caller has left by then. */
  z.strictObject({ kind: z.literal('latency'), ms: z.int().min(0) }),
  /** The request waits until the rule is cleared, then goes on; when its caller leaves first, it never happened. */
  z.strictObject({ kind: z.literal('hang') }),
  /** The request is carried out, its answer waits until the rule is cleared or the caller leaves. */
  z.strictObject({ kind: z.literal('hang-after') }),
  z.strictObject({ kind: z.literal('drop-before') }),
  /** The request is carried out, its answer is lost. */
  z.strictObject({ kind: z.literal('drop-after') }),
  /** Lists do not show yet what was created in the last `ms`. */
  z.strictObject({ kind: z.literal('stale-list'), ms: Ms }),
  /** What becomes of a webhook: it is never sent, is sent twice, or is overtaken by the next one. */
  z.strictObject({ kind: z.literal('webhook'), how: z.enum(WEBHOOK_FAULTS) }),
  DeploymentFault,
  InstanceFault,
])
export type Effect = z.infer<typeof Effect>
export type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>

/** What a rule can be matched by, for each of the things that rules strike; anything else would keep it from ever striking. */
export const AIMS = {
  /** A request to the provider. */
  request: ['operation', 'method', 'path'],
  webhook: ['operation'],
  deployment: ['operation', 'instanceId'],
  /** The start of an instance's process. */
  boot: ['instanceId'],
  /** What an instance says of its health. */
  health: ['method', 'path', 'instanceId'],
  /** A request to an instance. */
  call: ['method', 'path', 'instanceId'],
} as const
export type Aim = keyof typeof AIMS

/** What this effect strikes. */
export function aimOf(effect: Effect): Aim {
  if (effect.kind === 'webhook' || effect.kind === 'deployment') return effect.kind
  if (effect.kind !== 'instance') return 'request'
  if (effect.how === 'slow-boot') return 'boot'
  return effect.how === 'unhealthy' || effect.how === 'dirty' ? 'health' : 'call'
}
