import { Outlet, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Toasts } from '../ui/toast.tsx'

/** What every page stands in, the login page too. */
export function Root() {
  const router = useRouter()
  useEffect(
    () =>
      router.subscribe('onRendered', ({ fromLocation, pathChanged }) => {
        if (fromLocation && pathChanged) focusPage()
      }),
    [router],
  )
  return (
    <>
      <Outlet />
      <Toasts />
    </>
  )
}

/** After going to another page the focus is at its beginning, as after a load; where something took it already, it stays. */
function focusPage(): void {
  const page = document.querySelector<HTMLElement>('main')
  if (page && !page.contains(document.activeElement)) page.focus({ preventScroll: true })
}
