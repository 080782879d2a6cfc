import { Session, Version } from '@convos/pool/contract'
import { call, NO_ANSWER } from './client.ts'

export const readVersion = (signal: AbortSignal) => call('/version', { answer: Version, signal })

export const readSession = (signal: AbortSignal) => call('/api/session', { answer: Session, signal })
export const logIn = (body: { key: string } | { loginCode: string }) =>
  call('/api/session', { answer: Session, method: 'POST', body })
export const logOut = () => call('/api/session', { answer: NO_ANSWER, method: 'DELETE' })
