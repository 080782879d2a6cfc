import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { z } from 'zod'
import { chooseBuilder } from './choose.ts'
import { command } from './command.ts'
import { smokeRuntime } from './runtime.ts'
import { smokeService } from './service.ts'

const HELP = `pnpm image:runtime | image:pool | image:services: builds the image, starts it, talks to it, and tells what it weighs

  --builder docker|podman|buildah   default: the first that is installed
  --node-image IMAGE                a base other than the Dockerfile's
  --tag TAG                         default: localhost/convos-<image>:dev
  --no-build                        tries an image that is there
  --no-smoke                        only builds
  --max-mb MB                       compressed, more is a failure

of pool alone
  --commit COMMIT                   what it must say it was built from; default with a build: this checkout's

of the runtime alone
  --chromium                        with a browser for the agent
  --engine openclaw|lite            what is started in it, default: openclaw
  --ready-within SECONDS            default: 30, which two cores keep that have nothing else to do`

const OPTIONS = {
  builder: { type: 'string' },
  'node-image': { type: 'string' },
  tag: { type: 'string' },
  build: { type: 'boolean', default: true },
  smoke: { type: 'boolean', default: true },
  'max-mb': { type: 'string' },
  commit: { type: 'string' },
  chromium: { type: 'boolean', default: false },
  engine: { type: 'string', default: 'openclaw' },
  'ready-within': { type: 'string', default: '30' },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options']

const { values, positionals } = (() => {
  try {
    return parseArgs({ allowNegative: true, allowPositionals: true, options: OPTIONS })
  } catch (err) {
    console.error(`${(err as Error).message}\n\n${HELP}`)
    return process.exit(2)
  }
})()
const name = z.enum(['runtime', 'pool', 'services']).safeParse(positionals[0]).data
if (values.help || name === undefined) {
  console.log(HELP)
  process.exit(values.help ? 0 : 2)
}

const root = resolve(import.meta.dirname, '../../..')
const builder = await chooseBuilder(values.builder)
const image = values.tag ?? `localhost/convos-${name}:dev`
const commit = await command('git', ['-C', root, 'rev-parse', 'HEAD'], { quiet: true })
if (values.build) {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8')))
  await builder.build({
    context: root,
    file: join(root, name, 'Dockerfile'),
    tag: image,
    args: {
      ...(values['node-image'] && { NODE_IMAGE: values['node-image'] }),
      ...(values.chromium && { INSTALL_CHROMIUM: '1' }),
      VERSION: version,
      COMMIT: commit,
    },
  })
}

const layers = await builder.layers(image)
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`
for (const { digest, bytes } of layers) console.log(`${mb(bytes)}  ${digest.slice(0, 19)}`)
const total = layers.reduce((sum, { bytes }) => sum + bytes, 0)
console.log(`${mb(total)}  ${layers.length} layers, compressed`)
if (values['max-mb'] !== undefined && total > Number(values['max-mb']) * 1e6) throw new Error(`more than ${values['max-mb']} MB`)

if (values.smoke) {
  if (name === 'runtime') {
    const readyWithinMs = Number(values['ready-within']) * 1000
    await smokeRuntime({ builder, image, root, engine: values.engine, readyWithinMs })
  } else {
    await smokeService({ builder, image, service: name, commit: values.commit ?? (values.build ? commit : null) })
  }
}
