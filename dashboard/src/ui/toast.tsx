import { lazy, Suspense, useSyncExternalStore } from 'react'

const Toaster = lazy(() => import('./Toaster.tsx').then((module) => ({ default: module.Toaster })))

let wanted = false
const watchers = new Set<() => void>()

function want(): void {
  wanted = true
  for (const changed of watchers) changed()
}

/** Says briefly that something is done, or failed elsewhere than on screen; its code is loaded with the first one. */
export async function toast(text: string, options: { failed?: boolean; hint?: string } = {}): Promise<void> {
  want()
  const { toast: say } = await import('sonner')
  say[options.failed ? 'error' : 'success'](text, options.hint === undefined ? {} : { description: options.hint })
}

/** Where toasts appear; stands in the frame once. */
export function Toasts() {
  const shown = useSyncExternalStore(
    (changed) => {
      watchers.add(changed)
      return () => watchers.delete(changed)
    },
    () => wanted,
  )
  return (
    shown && (
      <Suspense>
        <Toaster />
      </Suspense>
    )
  )
}
