import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../../..')

export const text = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8')
