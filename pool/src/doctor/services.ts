import { HttpError, requestJson } from '@convos/kit'
import { ask, fault, inWords, ok, type Seen, warning } from '@convos/kit/doctor'
import { ImageReply, RegistryReply } from '@convos/services/contract'
import { z } from 'zod'
import type { Config } from '../config.ts'

/** What pool asks of services, by operation id: without any of these it cannot do its work. */
const NEEDED = [
  'createInstance',
  'destroyInstance',
  'getStatuses',
  'getChanges',
  'configureInstance',
  'reconfigureInstance',
  'cancelClaim',
  'getGateway',
  'getInstance',
  'getInstanceLogs',
  'debugInstance',
  'redeployInstance',
  'listTools',
  'validateUserConfig',
  'provisionTool',
  'getTool',
  'updateTool',
  'destroyTool',
  'getImage',
  'listProviders',
  'reconcile',
]

const Description = z.object({ paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))) })

type Place = Pick<Config, 'environment' | 'services'>

/** Whether services is there, lets us in, is of our environment, and can do what we ask. */
export async function lookAtServices(place: Place, timeoutMs: number): Promise<Seen[]> {
  const { url } = place.services
  try {
    const { status } = await ask(`${url}/healthz`, timeoutMs)
    if (status !== 200)
      return [
        fault('SERVICES_ELSEWHERE', `${url} answers ${status} to /healthz`, 'set SERVICES_URL to where services listens to pool'),
      ]
  } catch (err) {
    return [fault('SERVICES_SILENT', inWords(err), 'start services, or set SERVICES_URL to where it listens to pool')]
  }
  const get = async <S extends z.ZodType>(path: string, reply: S) => {
    const headers = { authorization: `Bearer ${place.services.apiKey}`, 'x-environment': place.environment }
    return (await requestJson(`${url}${path}`, { headers, reply, timeoutMs })).data
  }
  try {
    const { paths } = await get('/openapi.json', Description)
    const offered = new Set(Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId)))
    const missing = NEEDED.filter((operation) => !offered.has(operation))
    if (missing.length > 0)
      return [
        fault(
          'SERVICES_VERSION',
          `services cannot do ${missing.join(', ')}`,
          'upgrade services: it must not be more than one version behind',
        ),
      ]
    const [tools, image] = [await get('/registry', RegistryReply), await get('/image', ImageReply)]
    const available = tools.filter((tool) => tool.available).map(({ toolId }) => toolId)
    const fine = ok('SERVICES', `it accepts our key, and offers ${available.join(', ')}`)
    if (image.image !== null) return [fine]
    const todo = 'see what services:doctor says of the image'
    return [fine, fault('IMAGE_UNRESOLVED', `services does not know which image ${image.ref} is: nothing can be created`, todo)]
  } catch (err) {
    return [refusal(err, place)]
  }
}

function refusal(err: unknown, { environment }: Place): Seen {
  if (!(err instanceof HttpError)) throw err
  if (err.status === 401)
    return fault(
      'SERVICES_KEY',
      'services does not accept SERVICES_API_KEY',
      'set it to the value that services has, see "Rotating keys" in docs/operations.md',
    )
  if (err.code === 'ENVIRONMENT_MISMATCH')
    return fault(
      'SERVICES_ENVIRONMENT',
      `services runs another environment than "${environment}"`,
      'set SERVICES_URL to the services of this environment',
    )
  if (err.kind === 'body')
    return fault(
      'SERVICES_VERSION',
      `an answer of services has another form than expected: ${err.message}`,
      'see which versions the two run: they may differ by one',
    )
  return fault('SERVICES_SILENT', inWords(err), 'look at the log of services')
}

const Version = z.object({ environment: z.string(), deployment: z.string() })

/** Whether the address that browsers and signatures use leads to this pool, from here. */
export async function lookAtPublicUrl(
  url: string,
  fingerprint: () => Promise<string | null>,
  timeoutMs: number,
): Promise<Seen[]> {
  const todo = 'set POOL_PUBLIC_URL to the address under which browsers reach the dashboard'
  let answer
  try {
    answer = await ask(`${url}/version`, timeoutMs)
  } catch (err) {
    return [fault('PUBLIC_URL_SILENT', inWords(err), `start pool; if it runs, ${todo}`)]
  }
  const version = Version.safeParse(answer.body)
  if (answer.status !== 200 || !version.success)
    return [fault('PUBLIC_URL_ELSEWHERE', `${url} is answered with ${answer.status}, and not by a pool`, todo)]
  const ours = await fingerprint()
  if (ours === null)
    return [warning('PUBLIC_URL', `${url} is a pool; whether it is this one cannot be told without the database`, todo)]
  return version.data.deployment === ours
    ? [ok('PUBLIC_URL', `${url} is ours`)]
    : [
        fault(
          'PUBLIC_URL_ELSEWHERE',
          `${url} is a pool of environment "${version.data.environment}", and another than this`,
          todo,
        ),
      ]
}
