import type { ApiKey } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { revokeKey } from '../api/keys.ts'
import { useSession } from '../session/session.ts'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { toast } from '../ui/toast.tsx'
import { keysQuery } from './queries.ts'

/** Asks before a key is revoked, naming it. */
export function RevokeDialog({ apiKey: { id, name, role }, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const client = useQueryClient()
  const isOurs = useSession().principal === `key:${id}`
  const revoke = useMutation({
    mutationFn: () => revokeKey(id),
    onSuccess: (now) => {
      client.setQueryData(keysQuery.queryKey, (known) => known && { keys: known.keys.map((key) => (key.id === id ? now : key)) })
      onClose()
      void toast(`Key “${name}” is revoked`)
      // its own sessions are over: the next answer says so
      if (isOurs) void client.invalidateQueries()
    },
  })
  return (
    <ConfirmDialog
      title={
        <>
          Revoke <bdi>{name}</bdi>?
        </>
      }
      act="Revoke key"
      keep="Keep it"
      thing={<bdi>{name}</bdi>}
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>
        Whoever uses this {role}'s key is refused from now on, and every session made from it ends. Agents that it has claimed
        stay. It cannot be taken back; a new key can have the same name.
      </p>
      {isOurs && <p className="notice">You are logged in with this key: you will be logged out.</p>}
    </ConfirmDialog>
  )
}
