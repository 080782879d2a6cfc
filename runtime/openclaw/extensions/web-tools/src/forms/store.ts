import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { Refusal } from '../refusal.ts'
import { Form, type FormRequest, type Given } from './form.ts'

const HOUR = 3_600_000
/** So long after its link has ended, or its answers came, a form can still be read. */
const KEPT = 7 * 24 * HOUR
const MOST = 50

const Stored = z.object({ forms: z.array(Form) })

/** Forms on the disk, one file replaced as a whole. Synchronous on purpose: two answers to one form are one after the other. */
export class FormStore {
  readonly #file: string

  /** @param file made with the first form: a machine that was never used keeps nothing */
  constructor(file: string) {
    this.#file = file
  }

  /** @throws Refusal when there are too many */
  create({ hours, ...request }: FormRequest, now: Date): Form {
    const forms = this.all(now)
    if (forms.length >= MOST) throw new Refusal(`There are ${MOST} forms already. They are forgotten a week after they ended.`)
    const form: Form = {
      ...request,
      id: randomBytes(16).toString('base64url'),
      createdAt: now,
      expiresAt: new Date(now.getTime() + hours * HOUR),
      answers: null,
      answeredAt: null,
    }
    this.#write([...forms, form])
    return form
  }

  /** Those not forgotten yet, oldest first. */
  all(now: Date): Form[] {
    return this.#read().filter(({ answeredAt, expiresAt }) => (answeredAt ?? expiresAt).getTime() + KEPT > now.getTime())
  }

  find(id: string, now: Date): Form | null {
    return this.all(now).find((form) => form.id === id) ?? null
  }

  /** Keeps the first answers; false when there are some already, or the form has ended. */
  answer(id: string, answers: Given, now: Date): boolean {
    const forms = this.all(now)
    const form = forms.find((each) => each.id === id)
    if (!form || form.answers || form.expiresAt <= now) return false
    this.#write(forms.map((each) => (each === form ? { ...each, answers, answeredAt: now } : each)))
    return true
  }

  #read(): Form[] {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch (err) {
      if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return []
      throw err
    }
    return Stored.parse(JSON.parse(text)).forms
  }

  #write(forms: Form[]): void {
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
    const draft = `${this.#file}.new`
    writeFileSync(draft, JSON.stringify({ forms }), { mode: 0o600 })
    renameSync(draft, this.#file)
  }
}
