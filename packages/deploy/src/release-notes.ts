import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readChange, renderNotes } from './changes.ts'

const HELP = `pnpm release:notes: the notes of a release, of the files that were added to .changes/ since the one before

  --since TAG      default: the last tag before HEAD; without any, everything
  --folder FOLDER  of the repository, default: this one
  --json           a list of {kind, upgrade?, text}

Ends with 1 and says why when a file cannot be read.`

const { values } = parseArgs({
  options: {
    since: { type: 'string' },
    folder: { type: 'string', default: resolve(import.meta.dirname, '../../..') },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const git = (...args: string[]) =>
  execFileSync('git', ['-C', values.folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

function lastTag(): string | null {
  try {
    return git('describe', '--tags', '--abbrev=0', 'HEAD^')
  } catch {
    return null // none was ever made, or this is the first commit
  }
}

/** Files, not their later corrections: a change is released once. */
function added(since: string | null): string[] {
  const all =
    since === null
      ? git('ls-files', '.changes')
      : git('diff', '--name-only', '--diff-filter=A', `${since}..HEAD`, '--', '.changes')
  return all.split('\n').filter((path) => path.endsWith('.md') && !path.endsWith('/README.md'))
}

if (values.help) console.log(HELP)
else {
  try {
    const changes = added(values.since ?? lastTag()).map((path) =>
      readChange(path, readFileSync(join(values.folder, path), 'utf8')),
    )
    console.log(values.json ? JSON.stringify(changes, null, 2) : renderNotes(changes).trimEnd())
  } catch (err) {
    console.error((err as Error).message)
    process.exitCode = 1
  }
}
