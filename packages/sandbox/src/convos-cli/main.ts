import packageJson from '../../package.json' with { type: 'json' }
import { createClient, Refused, Unreachable } from './client.ts'
import * as conversations from './conversations.ts'
import { openHome } from './home.ts'
import { type Invocation, readInvocation, UsageError } from './options.ts'
import { serve } from './serve/index.ts'

const USAGE = `usage: convos identity create|info
       convos conversations create|list|join <invite>|inspect-invite <invite>
       convos conversation messages <conversation id>
       convos agent serve [conversation id]
       convos --version`

/** The `convos` command, spoken to the sandbox's network: answers on stdout as JSON lines, everything else on stderr. */
export async function main(argv: string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await run(readInvocation(argv, env))
  } catch (error) {
    const expected = error instanceof UsageError || error instanceof Refused || error instanceof Unreachable
    console.error(expected ? error.message : error)
    process.exitCode = 2
  }
}

async function run(invocation: Invocation): Promise<void> {
  const { words, options } = invocation
  if (options.version)
    return console.log(`convos-sandbox/${packageJson.version} ${process.platform}-${process.arch} node-${process.version}`)
  const [topic, command, argument] = words
  const home = openHome(invocation.home)
  const deps = () => ({ home, options, client: createClient(invocation.networkUrl()) })

  switch (`${topic} ${command}`) {
    case 'identity create': {
      const { identity, created } = home.ensureIdentity({ label: options.label, profileName: options['profile-name'] })
      return print({ ...identity, message: created ? 'Identity created' : 'There is an identity already' })
    }
    case 'identity info': {
      const identity = home.identity()
      if (!identity) throw new UsageError('There is no identity here yet')
      return print(identity)
    }
    case 'conversations create':
      return print(await conversations.create(deps()))
    case 'conversations join':
      return print(await conversations.join(deps(), argument))
    case 'conversations list':
      return print(await conversations.list(deps()))
    case 'conversations inspect-invite':
      return print(await conversations.inspectInvite(deps(), argument))
    case 'conversation messages':
      return print(await conversations.messages(deps(), argument))
    case 'agent serve':
      return await serve(deps(), argument)
    default:
      throw new UsageError(USAGE)
  }
}

const print = (answer: object) => console.log(JSON.stringify(answer))
