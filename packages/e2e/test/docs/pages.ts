/** Every page of documentation, taken apart. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { marked, type Token, type Tokens } from 'marked'

export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
/** Written before a block of shell: it can be run against the sandbox, as it stands. */
const RUNS_LOCALLY = /^<!-- runs locally -->\s*$/

export interface Page {
  /** From the repository's root. */
  file: string
  text: string
  tokens: Token[]
}

export interface Block {
  /** `file:line` of its first command. */
  where: string
  text: string
}

export async function readPages(): Promise<Page[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '*.md'], { cwd: ROOT })
  // what the agent itself is told is no documentation
  const files = stdout.split('\n').filter((file) => file !== '' && !file.startsWith('runtime/openclaw/workspace/'))
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(ROOT, file), 'utf8')
      return { file, text, tokens: marked.lexer(text) }
    }),
  )
}

/** The blocks of a page that claim to run locally. */
export function localBlocks({ file, text, tokens }: Page): Block[] {
  return tokens.flatMap((token, n) => {
    const isMarked = RUNS_LOCALLY.test(tokens[n - 1]?.raw ?? '')
    if (token.type !== 'code' || !isMarked) return []
    const line = text.slice(0, text.indexOf(token.raw)).split('\n').length + 1
    return [{ where: `${file}:${line}`, text: String(token['text']) }]
  })
}

/** What the tokens of these kinds say, wherever they are nested. */
function all({ tokens }: Page, says: Record<string, 'text' | 'href'>): string[] {
  const found: string[] = []
  const look = (token: Token) => {
    const name = says[token.type]
    if (name !== undefined) found.push(String((token as Tokens.Generic)[name]))
  }
  void marked.walkTokens(tokens, look)
  return found
}

/** All that is set as code. */
export const code = (page: Page): string[] => all(page, { code: 'text', codespan: 'text' })

/** Where the links of a page lead, those to the outside left away. */
export const links = (page: Page): string[] => all(page, { link: 'href', image: 'href' }).filter((href) => !/^[a-z]+:/.test(href))

/** What links to its headings say, as GitHub makes it. */
export const anchors = (page: Page): string[] =>
  all(page, { heading: 'text' }).map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
