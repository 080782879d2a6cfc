import type { World } from './world.ts'

/** A model key that somebody left at the provider: nobody's ledger names it. */
export async function leaveStrayKey({ simulators }: World, marker: string): Promise<void> {
  const res = await fetch(`${simulators.url}/openrouter/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: 'Bearer sandbox-management-key', 'content-type': 'application/json' },
    body: JSON.stringify({ name: marker }),
  })
  if (!res.ok) throw new Error(`the key was not made: ${await res.text()}`)
}
