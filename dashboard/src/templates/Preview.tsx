import { lazy, Suspense, useDeferredValue } from 'react'
import { Skeleton } from '../ui/Skeleton.tsx'

const Markdown = lazy(() => import('./markdown.tsx').then((module) => ({ default: module.Markdown })))

/** Instructions as their Markdown reads. */
export function Preview({ text }: { text: string }) {
  const settled = useDeferredValue(text)
  if (settled.trim() === '') return <p className="hint">Nothing yet: without instructions an agent only has its name.</p>
  return (
    <Suspense fallback={<Skeleton className="w-2/3" />}>
      <Markdown text={settled} />
    </Suspense>
  )
}
