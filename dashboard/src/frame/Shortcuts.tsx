import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useEffectEvent, useState } from 'react'
import { pagesFor } from '../pages.ts'
import { useSession } from '../session/session.ts'
import { listenForWishes, type Wish } from './shortcuts.ts'

const Palette = lazy(() => import('./Palette.tsx').then((module) => ({ default: module.Palette })))
const Help = lazy(() => import('./Help.tsx').then((module) => ({ default: module.Help })))

/** The keyboard: the palette, the help, and `g …` to go to a page. */
export function Shortcuts() {
  const { role } = useSession()
  const navigate = useNavigate()
  const [open, setOpen] = useState<'palette' | 'help' | null>(null)
  const onWish = useEffectEvent((wish: Wish) => {
    if (typeof wish === 'string') return setOpen(wish)
    const page = pagesFor(role).find(({ key }) => key === wish.goTo)
    if (page) void navigate({ to: page.to })
  })
  useEffect(() => listenForWishes(onWish), [])
  const close = () => setOpen(null)
  return (
    <Suspense>
      {open === 'palette' && <Palette onClose={close} />}
      {open === 'help' && <Help onClose={close} />}
    </Suspense>
  )
}
