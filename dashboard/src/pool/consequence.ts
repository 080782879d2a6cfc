import type { Instance } from '@convos/pool/contract'

/** How people call an instance. */
export const nameOf = ({ agentName, id }: Instance): string => agentName ?? id

/** What a kill does to this instance, said before it is done. */
export function killConsequence({ status }: Instance): string {
  switch (status) {
    case 'claimed':
    case 'pending':
    case 'claiming':
      return 'Someone is using it. The agent, its memory and its tools are deleted, and it leaves its conversation. This cannot be undone.'
    case 'crashed':
      return 'It was in use before it crashed. Its data, kept until now, is deleted with it. This cannot be undone.'
    case 'deleting':
      return 'It is being deleted already.'
    default:
      return 'Nobody’s data is in it. It is deleted with its tools, and the pool makes another one when it needs one.'
  }
}
