import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DockerfileParser } from 'dockerfile-ast'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { text } from './support.ts'

const dockerfile = DockerfileParser.parse(text('runtime/Dockerfile'))
const instructions = dockerfile.getInstructions()
const said = (keyword: string) =>
  instructions.filter((one) => one.getKeyword() === keyword).map((one) => one.getArgumentsContent() ?? '')
/** What is in the image itself: after the last FROM. */
const last = instructions.findLastIndex((instruction) => instruction.getKeyword() === 'FROM')
const final = instructions.slice(last).map((instruction) => `${instruction.getKeyword()} ${instruction.getArgumentsContent()}`)

test('the base is one variable with a full version, so that another can take its place', () => {
  expect(said('ARG')[0]).toMatch(/^NODE_IMAGE=node:\d+\.\d+\.\d+-bookworm-slim$/)
  for (const from of dockerfile.getFROMs()) expect(from.getImage()).toBe('${NODE_IMAGE}')
})

test('what others wrote comes by its lockfile, with its install scripts', () => {
  const install = said('RUN').find((run) => run.includes('npm ci'))
  expect(install).toBeDefined()
  expect(said('RUN').join('\n')).not.toMatch(/ignore-scripts|npm (install|i) |curl|wget/)
  expect(said('RUN').filter((run) => run.includes('pnpm'))).toEqual([expect.stringContaining('--frozen-lockfile --prod ')])
})

describe('the image itself', () => {
  test('builds nothing: it takes what other stages built', () => {
    expect(final.filter((line) => /npm|npx|pnpm|rolldown|gcc|make|python/.test(line.replaceAll('node_modules', '')))).toEqual([])
    expect(final.filter((line) => line.startsWith('COPY . '))).toEqual([])
  })

  test('leaves no lists of packages behind', () => {
    for (const run of said('RUN').filter((line) => line.includes('apt-get install')))
      expect(run).toMatch(/--no-install-recommends[^]*rm -rf \/var\/lib\/apt\/lists/)
  })

  test('runs as a user of its own, and its start is the entry point', () => {
    expect(said('USER')).toEqual(['node'])
    expect(said('ENTRYPOINT')).toEqual(['["/app/scripts/entrypoint.sh"]'])
    expect(said('ENV').join(' ')).toContain('AGENT_USER=node')
  })

  test('holds no secret, and no place for one', () => {
    expect([...said('ENV'), ...said('ARG')].join(' ')).not.toMatch(/TOKEN|SECRET|PASSWORD|_KEY/)
  })

  test('says of which version and commit it is, in its last layer', () => {
    expect(final.at(-1)).toMatch(/^LABEL [^]*image\.version="\$\{VERSION\}"[^]*image\.revision="\$\{COMMIT\}"/)
  })
})

describe('the health check', () => {
  const [, , ...args] = z.array(z.string()).parse(JSON.parse(said('HEALTHCHECK')[0]?.replace(/^.*?CMD /s, '') ?? ''))

  test.for([
    [200, 0],
    [503, 1],
  ] as const)('with an answer of %i ends with %i', async ([status, code]) => {
    const asked: unknown[] = []
    const server = createServer((req, res) => {
      asked.push(req.url)
      res.writeHead(status).end()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const check = spawn(process.execPath, ['-e', ...args], { env: { PORT: String(port) } })
    expect(await once(check, 'exit')).toEqual([code, null])
    expect(asked).toEqual(['/pool/health'])
  })

  test('with nobody there ends with 1', async () => {
    const check = spawn(process.execPath, ['-e', ...args], { env: { PORT: '1' } })
    expect(await once(check, 'exit')).toEqual([1, null])
  })
})
