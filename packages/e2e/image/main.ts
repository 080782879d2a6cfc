import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import runtime from '../../../runtime/package.json' with { type: 'json' }
import { chooseBuilder } from './choose.ts'
import { command } from './command.ts'
import { smoke } from './smoke.ts'

const HELP = `pnpm image:runtime: builds the agent image, starts it, talks to it, and tells what it weighs

  --builder docker|podman|buildah   default: the first that is installed
  --node-image IMAGE                a base other than the Dockerfile's
  --tag TAG                         default: localhost/convos-runtime:dev
  --chromium                        with a browser for the agent
  --engine openclaw|lite            what is started in it, default: openclaw
  --ready-within SECONDS            default: 30, which two cores keep that have nothing else to do
  --no-build                        tries an image that is there
  --no-smoke                        only builds`

const { values } = parseArgs({
  allowNegative: true,
  options: {
    builder: { type: 'string' },
    'node-image': { type: 'string' },
    tag: { type: 'string', default: 'localhost/convos-runtime:dev' },
    chromium: { type: 'boolean', default: false },
    engine: { type: 'string', default: 'openclaw' },
    'ready-within': { type: 'string', default: '30' },
    build: { type: 'boolean', default: true },
    smoke: { type: 'boolean', default: true },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}

const root = resolve(import.meta.dirname, '../../..')
const builder = await chooseBuilder(values.builder)
if (values.build) {
  await builder.build({
    context: root,
    file: join(root, 'runtime/Dockerfile'),
    tag: values.tag,
    args: {
      ...(values['node-image'] && { NODE_IMAGE: values['node-image'] }),
      ...(values.chromium && { INSTALL_CHROMIUM: '1' }),
      VERSION: runtime.version,
      COMMIT: await command('git', ['-C', root, 'rev-parse', 'HEAD'], { quiet: true }),
    },
  })
}

const layers = await builder.layers(values.tag)
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`
for (const { digest, bytes } of layers) console.log(`${mb(bytes)}  ${digest.slice(0, 19)}`)
console.log(`${mb(layers.reduce((sum, { bytes }) => sum + bytes, 0))}  ${layers.length} layers, compressed`)

if (values.smoke) {
  const readyWithinMs = Number(values['ready-within']) * 1000
  await smoke({ builder, image: values.tag, root, engine: values.engine, readyWithinMs })
}
