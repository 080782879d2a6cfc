/**
 * The architecture, as rules: who may import whom. A package's door is its `./contract` export (kit and sandbox: their index; the
 * agent server has others for the gateway behind it, `./link/*`).
 * @type {import('dependency-cruiser').IConfiguration}
 */
const door = '^(pool|services)/src/contract/|^runtime/server/src/(contract|link/[a-z]+)\\.ts$'

/** A part may import itself, npm packages and what `mayImport` matches; everything else of ours is closed to it. */
const part = (name, folder, mayImport) => ({
  name,
  severity: 'error',
  from: { path: `^${folder}/(src|vite)` },
  to: { path: '^(pool|services|dashboard|runtime|packages)/', pathNot: [`^${folder}/`, ...mayImport] },
})

const kitHttp = '^packages/kit/src/http/client\\.ts$'
const kit = `^packages/kit/src/(index|server|doctor/index)\\.ts$|${kitHttp}`
const agentCommands = '^runtime/openclaw/bin/src/(environment|http)\\.ts$'

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    // the gateway gives its plugins its SDK; it is installed apart from the workspace, or not at all
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^openclaw/' } },
    part('dashboard-knows-the-pool-contract-only', 'dashboard', ['^pool/src/contract/']),
    part('pool-knows-the-services-contract-and-kit', 'pool', ['^services/src/contract/', kit]),
    part('services-know-the-agent-server-contract-and-kit', 'services', ['^runtime/server/src/contract\\.ts$', kit]),
    part('agent-server-knows-kit', 'runtime/server', [kit]),
    part('agent-commands-know-kits-http-client', 'runtime/openclaw/bin', [kitHttp]),
    part('web-tools-know-the-services-contract-and-agent-commands', 'runtime/openclaw/extensions/web-tools', [
      '^services/src/contract/',
      agentCommands,
    ]),
    part('convos-channel-knows-the-link-and-names-of-models', 'runtime/openclaw/extensions/convos', [
      '^runtime/server/src/link/[a-z]+\\.ts$',
      '^runtime/scripts/lib/model-ref\\.ts$',
    ]),
    part('kit-knows-nobody', 'packages/kit', []),
    {
      name: 'contracts-are-pure',
      comment: 'a contract is zod and other contracts: the dashboard bundles it',
      severity: 'error',
      from: { path: door },
      to: { pathNot: [door, '/zod/'] },
    },
    {
      name: 'sandbox-is-for-tests-and-the-launcher',
      severity: 'error',
      from: {
        path: '^(pool|services|dashboard|runtime|packages)/',
        pathNot: ['^packages/(sandbox|e2e|bench)/', '/test/', 'vitest\\.config\\.ts$'],
      },
      to: { path: '^packages/sandbox/' },
    },
    {
      name: 'the-inside-is-for-the-benchmark',
      severity: 'error',
      from: { pathNot: ['^packages/bench/'] },
      to: { path: '^pool/src/bench\\.ts$' },
    },
    {
      name: 'only-through-the-door',
      comment: 'a package never reaches into another one’s src',
      severity: 'error',
      from: { path: '^(pool|services|dashboard|runtime/server|runtime/openclaw/(?:bin|extensions/[^/]+)|packages/[^/]+)/' },
      to: {
        path: '^(pool|services|dashboard|runtime/server|runtime/openclaw/(?:bin|extensions/[^/]+)|packages/[^/]+)/src/',
        pathNot: [
          '^$1/',
          door,
          kit,
          agentCommands,
          '^pool/src/bench\\.ts$',
          '^packages/deploy/src/(bundle|service)\\.ts$',
          '^packages/sandbox/src/(index|launcher/descriptor|testing/index|testing/global-setup)\\.ts$',
        ],
      },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.css'],
    },
  },
}
