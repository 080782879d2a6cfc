/**
 * The model of each session that a turn runs in. The gateway loads this module more than once, one copy for its HTTP routes and others for
 * its agents, so what they share lies outside of it.
 */
const KEY = Symbol.for('convos.models')
const shared = globalThis as { [KEY]?: Map<string, string> }
const models = (shared[KEY] ??= new Map<string, string>())

/** Null: the gateway's own. */
export function useModel(sessionKey: string, model: string | null): void {
  if (model === null) models.delete(sessionKey)
  else models.set(sessionKey, model)
}

/** The gateway's two words for the model of a session; undefined where it decides itself. */
export function modelOverride(sessionKey: string | undefined): { providerOverride: string; modelOverride: string } | undefined {
  const model = models.get(sessionKey ?? '')
  return model === undefined ? undefined : { providerOverride: 'openrouter', modelOverride: openRouterName(model) }
}

/** Services and claims write `openrouter/<vendor>/<model>` or `<vendor>/<model>`. */
const openRouterName = (model: string) => model.replace(/^openrouter\/(?=[^/]+\/)/, '')
