/** What the documentation names is there. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { anchors, code, links, type Page, readPages, ROOT } from './pages.ts'

let pages: Page[]
beforeAll(async () => {
  pages = await readPages()
})

/** What pnpm does by itself. */
const PNPM = ['exec', 'install', 'add', 'run', 'dlx']

test('each command that is named is one of package.json', async () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')))
  const known = new Set([...Object.keys(scripts), ...PNPM])
  const named = pages.flatMap((page) =>
    code(page).flatMap((text) =>
      [...text.matchAll(/(?<![\w-])pnpm(?:@12)? ([a-z][\w:-]*)/g)].map(([, command = '']) => `${page.file}: ${command}`),
    ),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((one) => !known.has(one.split(': ')[1] ?? ''))).toEqual([])
})

describe('each link', () => {
  const target = (page: Page, link: string) => {
    const [path = '', anchor] = link.split('#')
    return { file: path === '' ? page.file : normalize(join(dirname(page.file), decodeURI(path))), anchor }
  }

  test('leads to a file of the repository', () => {
    const broken = pages.flatMap((page) =>
      links(page)
        .filter((link) => !existsSync(join(ROOT, target(page, link).file)))
        .map((link) => `${page.file}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  test('to a part of a page leads to a heading that is there', () => {
    const broken = pages.flatMap((page) =>
      links(page).filter((link) => {
        const { file, anchor } = target(page, link)
        const other = pages.find((one) => one.file === file)
        return anchor !== undefined && other !== undefined && !anchors(other).includes(anchor)
      }),
    )
    expect(broken).toEqual([])
  })
})
