/**
 * Holds every import against the rules in `.dependency-cruiser.mjs`, and the rules against themselves: a run that saw
 * hardly any modules, or rules that let a forbidden import pass, prove nothing.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'

const root = fileURLToPath(new URL('..', import.meta.url))
const PARTS = ['pool', 'services', 'dashboard', 'runtime', 'packages']

/** Imports that must be refused, each by the rule named. */
const FORBIDDEN = [
  { from: 'pool/src/probe.ts', to: 'services/src/app.ts', rule: 'pool-knows-the-services-contract-and-kit' },
  { from: 'pool/src/probe.ts', to: 'packages/sandbox/src/index.ts', rule: 'sandbox-is-for-tests-and-the-launcher' },
  { from: 'services/src/probe.ts', to: 'pool/src/contract/index.ts', rule: 'services-know-the-agent-server-contract-and-kit' },
  { from: 'dashboard/src/probe.ts', to: 'packages/kit/src/index.ts', rule: 'dashboard-knows-the-pool-contract-only' },
  { from: 'runtime/server/src/probe.ts', to: 'services/src/contract/index.ts', rule: 'agent-server-knows-kit' },
  { from: 'runtime/openclaw/bin/src/probe.ts', to: 'packages/kit/src/index.ts', rule: 'agent-commands-know-kits-http-client' },
  {
    from: 'runtime/openclaw/extensions/web-tools/src/probe.ts',
    to: 'services/src/app.ts',
    rule: 'web-tools-know-the-services-contract-and-agent-commands',
  },
  {
    from: 'runtime/openclaw/extensions/convos/src/probe.ts',
    to: 'runtime/server/src/contract.ts',
    rule: 'convos-channel-knows-the-link-and-names-of-models',
  },
  { from: 'packages/kit/src/probe.ts', to: 'pool/src/contract/index.ts', rule: 'kit-knows-nobody' },
  { from: 'pool/src/contract/probe.ts', to: 'pool/src/app.ts', rule: 'contracts-are-pure' },
  { from: 'services/test/probe.ts', to: 'pool/src/bench.ts', rule: 'the-inside-is-for-the-benchmark' },
  { from: 'pool/test/probe.ts', to: 'services/src/app.ts', rule: 'only-through-the-door' },
  { from: 'runtime/openclaw/extensions/web-tools/test/probe.ts', to: 'services/src/app.ts', rule: 'only-through-the-door' },
  {
    from: 'runtime/openclaw/extensions/web-tools/test/probe.ts',
    to: 'runtime/openclaw/bin/src/cli.ts',
    rule: 'only-through-the-door',
  },
]

const options = await extractDepcruiseOptions(join(root, '.dependency-cruiser.mjs'))

async function look(baseDir: string): Promise<{ modules: number; violations: { rule: string; from: string; to: string }[] }> {
  const { output } = await cruise(PARTS, { ...options, baseDir })
  const { summary } = output as ICruiseResult
  return {
    modules: summary.totalCruised,
    violations: summary.violations.map((v) => ({ rule: v.rule.name, from: v.from, to: v.to })),
  }
}

/** Which of the forbidden imports the rules let pass, tried on a scratch tree with our folders. */
async function letPass() {
  const scratch = await mkdtemp(join(tmpdir(), 'architecture-'))
  try {
    const write = async (file: string, text: string) => {
      await mkdir(dirname(join(scratch, file)), { recursive: true })
      await writeFile(join(scratch, file), text, { flag: 'a' })
    }
    await Promise.all(PARTS.map((part) => mkdir(join(scratch, part), { recursive: true })))
    for (const { from, to } of FORBIDDEN) {
      await write(to, 'export {}\n')
      await write(from, `import ${JSON.stringify('../'.repeat(from.split('/').length - 1) + to)}\n`)
    }
    const { violations } = await look(scratch)
    return FORBIDDEN.filter((f) => !violations.some((v) => v.rule === f.rule && v.from === f.from && v.to === f.to))
  } finally {
    await rm(scratch, { recursive: true })
  }
}

const passed = await letPass()
if (passed.length > 0)
  throw new Error(`the rules let pass:\n${passed.map((f) => `  ${f.from} → ${f.to} (${f.rule})`).join('\n')}`)

const { modules, violations } = await look(root)
for (const v of violations) console.error(`${v.rule}: ${v.from} → ${v.to}`)
if (violations.length > 0) process.exit(1)
if (modules < 50) throw new Error(`only ${modules} modules were seen: the checker is not looking at the code`)
console.log(`architecture holds: ${modules} modules; ${FORBIDDEN.length} forbidden imports are noticed`)
