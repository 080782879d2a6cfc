import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { logOut } from '../api/session.ts'

/** Ends the session, and forgets what this tab held. */
export function LogOut({ className }: { className: string }) {
  const client = useQueryClient()
  const router = useRouter()
  const leave = useMutation({
    mutationFn: logOut,
    onSuccess: async () => {
      sessionStorage.clear()
      await router.navigate({ to: '/login' })
      client.clear()
    },
  })
  return (
    <button type="button" className={className} onClick={() => leave.mutate()} disabled={leave.isPending}>
      {leave.error ? 'Log out failed, try again' : 'Log out'}
    </button>
  )
}
