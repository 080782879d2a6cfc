import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DockerfileParser } from 'dockerfile-ast'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import manifest from '../../../package.json' with { type: 'json' }
import { text } from './support.ts'

describe.for(['pool', 'services'] as const)('the image of %s', (service) => {
  const dockerfile = DockerfileParser.parse(text(service, 'Dockerfile'))
  const instructions = dockerfile.getInstructions()
  const said = (keyword: string) =>
    instructions.filter((one) => one.getKeyword() === keyword).map((one) => one.getArgumentsContent() ?? '')
  const last = instructions.findLastIndex((one) => one.getKeyword() === 'FROM')
  const final = instructions.slice(last).map((one) => `${one.getKeyword()} ${one.getArgumentsContent()}`)

  test('has the base of the agent’s, as one variable, so that another can take its place', () => {
    const [base] = said('ARG')
    expect(base).toMatch(/^NODE_IMAGE=node:\d+\.\d+\.\d+-bookworm-slim$/)
    expect(text('runtime/Dockerfile')).toContain(`ARG ${base}\n`)
    for (const from of dockerfile.getFROMs()) expect(from.getImage()).toBe('${NODE_IMAGE}')
  })

  test('is built by the lockfile, with the pnpm that the repository names', () => {
    const pnpm = manifest.packageManager.replace('+', ' ').split(' ')[0]
    const run = said('RUN').filter((line) => line.includes('pnpm'))
    expect(run).toEqual([expect.stringMatching(new RegExp(`npx -y ${pnpm} install --frozen-lockfile`))])
  })

  test('takes what another stage built, and builds nothing itself', () => {
    expect(final.filter((line) => /npm|npx|pnpm|COPY \. /.test(line))).toEqual([])
    expect(final).toContain('COPY /out /app')
  })

  test('starts the service as a stranger to root, without a shell that would keep the signal to itself', () => {
    expect(said('USER')).toEqual(['1000'])
    expect([said('CMD').at(-1), said('ENTRYPOINT')]).toEqual(['["node", "dist/index.js"]', []])
    expect(said('WORKDIR').at(-1)).toBe(`/app/${service}`)
  })

  test('holds no secret, and no place for one', () => {
    expect([...said('ENV'), ...said('ARG')].join(' ')).not.toMatch(/TOKEN|SECRET|PASSWORD|_KEY/)
  })

  test('says of which version and commit it is, in its last layer', () => {
    expect(final.at(-1)).toMatch(/^LABEL [^]*image\.version="\$\{VERSION\}"[^]*image\.revision="\$\{COMMIT\}"/)
    expect(said('ENV')).toContain('RAILWAY_GIT_COMMIT_SHA=${COMMIT}')
  })

  test('is healthy while the process lives, whoever else does not', async () => {
    const [, , ...args] = z.array(z.string()).parse(JSON.parse(said('HEALTHCHECK')[0]?.replace(/^.*?CMD /s, '') ?? ''))
    const check = async (PORT: string) => once(spawn(process.execPath, ['-e', ...args], { env: { PORT } }), 'exit')
    const server = createServer((req, res) => res.writeHead(req.url === '/healthz' ? 200 : 404).end()).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    expect(await check(String((server.address() as AddressInfo).port))).toEqual([0, null])
    expect(await check('1')).toEqual([1, null])
  })
})
