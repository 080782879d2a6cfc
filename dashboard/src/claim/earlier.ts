import { z } from 'zod'
import { useSessionState } from '../ui/useSessionState.ts'

/** A claim made in this tab: enough to find it again. */
const Earlier = z.object({ claimId: z.string(), agentName: z.string(), at: z.string() })
export type Earlier = z.infer<typeof Earlier>

const KEPT = 20

/** The claims made in this tab, the latest first. */
export function useEarlier(): [readonly Earlier[], (claim: Earlier) => void] {
  const [claims, setClaims] = useSessionState('convos.claims', z.array(Earlier), [])
  return [
    claims,
    ({ claimId, agentName, at }) =>
      setClaims([{ claimId, agentName, at }, ...claims.filter((one) => one.claimId !== claimId)].slice(0, KEPT)),
  ]
}
