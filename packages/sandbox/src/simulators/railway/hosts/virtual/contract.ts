/** The door of the agent server. By its path: a dependency of this package on one that tests itself with it would be a cycle. */
export {
  CancelRequest,
  EnvRequest,
  type Health,
  ProfileRequest,
  type ProvisionReply,
  ProvisionRequest,
} from '../../../../../../../runtime/server/src/contract.ts'
