import { fault, inWords, ok, type Seen, unverified, warning } from '@convos/kit/doctor'
import { openGate } from '../budget/gate.ts'
import { isKind } from '../infra/errors.ts'
import { createRailwayClient, type RailwayClient } from '../infra/railway/client.ts'
import * as op from '../infra/railway/operations.ts'
import { refusedWith, whyNot } from './refusal.ts'

export interface RailwayAccount {
  url: string
  token: string
  workspaceId: string
}

const TOKENS = 'https://railway.com/account/tokens'
/** A creation takes about ten requests. */
const FEW_REQUESTS = 100

/** Which kind of token it is, what it reaches, and what is left of its requests. */
export async function lookAtRailway({ url, token, workspaceId }: RailwayAccount): Promise<Seen[]> {
  const call = createRailwayClient({ url, token, gate: openGate })
  const refused = await lookAtToken(call, workspaceId)
  if (refused) return [refused]
  return [await lookAtScope(call, workspaceId), await lookAtRequests(call, workspaceId)]
}

/** What is wrong with the token; null: it is of the right kind, and reaches the workspace. */
async function lookAtToken(call: RailwayClient, workspaceId: string): Promise<Seen | null> {
  try {
    const { workspaces } = (await call(op.ApiTokenContext, {})).apiToken
    if (workspaces.some(({ id }) => id === workspaceId)) return null
    const names = workspaces.map(({ name }) => `"${name}"`).join(', ') || 'none'
    return fault(
      'RAILWAY_WORKSPACE',
      `the token does not reach the workspace of RAILWAY_WORKSPACE_ID; it reaches ${names}`,
      `set RAILWAY_WORKSPACE_ID to one of those, or make a token for that workspace at ${TOKENS}`,
    )
  } catch (err) {
    if (refusedWith(err) === null) return whyNot('Railway', err)
    if (/project token/i.test(inWords(err)))
      return fault(
        'RAILWAY_TOKEN_KIND',
        'RAILWAY_API_TOKEN is a project token, which makes no projects',
        `make an account or workspace token at ${TOKENS}`,
      )
    return fault(
      'RAILWAY_TOKEN',
      'Railway does not know RAILWAY_API_TOKEN',
      `make another account or workspace token at ${TOKENS}`,
    )
  }
}

async function lookAtScope(call: RailwayClient, workspaceId: string): Promise<Seen> {
  try {
    await call(op.ProjectsPage, { workspaceId, first: 1, after: null, orderBy: 'CREATED_AT_DESC' })
    return ok('RAILWAY', 'the token reaches the workspace and sees its projects; whether it may make one is for --live to show')
  } catch (err) {
    if (!isKind(err, 'auth')) return whyNot('Railway', err)
    return fault(
      'RAILWAY_SCOPE',
      'the token names the workspace, but may not see its projects',
      `have its owner made a member of the workspace, or make another token at ${TOKENS}`,
    )
  }
}

async function lookAtRequests(call: RailwayClient, workspaceId: string): Promise<Seen> {
  try {
    const { projectCount, apiTokenRateLimit: left } = (await call(op.WorkspaceGet, { workspaceId })).workspace
    if (!left) return ok('RAILWAY_REQUESTS', `${projectCount} projects; Railway does not tell how many requests are left`)
    const seen = `${projectCount} projects; ${left.remainingPoints} requests left until ${left.resetsAt}`
    if (left.remainingPoints === 0) return fault('PROVIDER_BUDGET', seen, 'wait until then; see what else uses this token')
    if (left.remainingPoints < FEW_REQUESTS) return warning('PROVIDER_BUDGET_LOW', seen, 'see what else uses this token')
    return ok('RAILWAY_REQUESTS', seen)
  } catch (err) {
    if (isKind(err, 'auth')) return unverified('RAILWAY_REQUESTS', 'this kind of token does not see how many requests are left')
    return whyNot('Railway', err)
  }
}
