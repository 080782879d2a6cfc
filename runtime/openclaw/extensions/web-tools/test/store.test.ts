import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FormRequest } from '../src/forms/form.ts'
import { FormStore } from '../src/forms/store.ts'
import { START } from './support.ts'

const HOUR = 3_600_000
const after = (hours: number) => new Date(START.getTime() + hours * HOUR)
const request = (hours = 48) => FormRequest.parse({ title: 'Trip', fields: [{ name: 'q', label: 'Q' }], hours })

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forms-'))
  file = join(folder, 'web-tools', 'forms.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('forms', () => {
  test('are on the disk, for the next process too, and for nobody else', () => {
    const form = new FormStore(file).create(request(), START)
    expect(new FormStore(file).find(form.id, START)).toEqual(form)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('leave nothing on a machine that never had one', () => {
    const store = new FormStore(file)
    expect([store.all(START), store.find('x', START), store.answer('x', {}, START)]).toEqual([[], null, false])
    expect(existsSync(join(folder, 'web-tools'))).toBe(false)
  })

  test('are answered once, while their link works', () => {
    const store = new FormStore(file)
    const { id } = store.create(request(2), START)
    expect(store.answer(id, { q: 'first' }, after(1))).toBe(true)
    expect(store.answer(id, { q: 'second' }, after(1))).toBe(false)
    expect(store.find(id, after(1))).toMatchObject({ answers: { q: 'first' }, answeredAt: after(1) })
    const late = store.create(request(2), START)
    expect(store.answer(late.id, { q: 'late' }, after(2))).toBe(false)
  })

  test('are forgotten a week after their answers, or after their link has ended', () => {
    const store = new FormStore(file)
    const answered = store.create(request(48), START)
    const open = store.create(request(2), START)
    store.answer(answered.id, { q: 'a' }, after(1))
    expect(store.all(after(1 + 7 * 24 - 1))).toHaveLength(2)
    expect(store.all(after(1 + 7 * 24)).map(({ id }) => id)).toEqual([open.id])
    expect(store.all(after(2 + 7 * 24))).toEqual([])
  })

  test('are at most fifty', () => {
    const store = new FormStore(file)
    for (let i = 0; i < 50; i++) store.create(request(), START)
    expect(() => store.create(request(), START)).toThrow('50 forms already')
    expect(store.create(request(), after(48 + 7 * 24)).id).toMatch(/^[\w-]{22}$/)
  })
})
