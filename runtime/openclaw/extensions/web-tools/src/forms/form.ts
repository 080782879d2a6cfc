import { z } from 'zod'

const SHORT = 500
const LONG = 5_000

const Field = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/, 'small letters, digits and _')
    .refine((name) => !(name in {}), 'is taken'),
  label: z.string().trim().min(1).max(200),
  type: z.enum(['text', 'long_text', 'choice', 'yes_no', 'number', 'date', 'email']).default('text'),
  required: z.boolean().default(true),
  options: z.array(z.string().trim().min(1).max(100)).min(2).max(30).optional().describe('for the type choice'),
  help: z.string().trim().min(1).max(300).optional(),
})
export type Field = z.infer<typeof Field>

/** What an agent wants to know. */
export const FormRequest = z.strictObject({
  title: z.string().trim().min(1).max(120),
  intro: z.string().trim().min(1).max(1_000).optional().describe('what the answers are for'),
  fields: z
    .array(Field)
    .min(1)
    .max(20)
    .refine((fields) => new Set(fields.map(({ name }) => name)).size === fields.length, 'each name may stand once')
    .refine(
      (fields) => fields.every(({ type, options }) => (type === 'choice') === (options !== undefined)),
      'a choice needs options, others have none',
    ),
  hours: z.number().int().min(1).max(168).default(48).describe('how long the link works'),
})
export type FormRequest = z.infer<typeof FormRequest>

export const Form = FormRequest.omit({ hours: true }).extend({
  id: z.string(),
  createdAt: z.coerce.date(),
  expiresAt: z.coerce.date(),
  /** By the name of the field; null until somebody has filled it in. */
  answers: z.record(z.string(), z.string()).nullable(),
  answeredAt: z.coerce.date().nullable(),
})
export type Form = z.infer<typeof Form>

export type Given = Readonly<Record<string, string>>
export type Checked = { ok: true; answers: Given } | { ok: false; errors: Given }

/** The answers in a filled-in form, or what is wrong with each. What it does not ask for is ignored. */
export function check(fields: readonly Field[], given: Given): Checked {
  // a radio button that nobody pressed sends nothing at all
  const values = Object.fromEntries(fields.map(({ name }) => [name, given[name] ?? '']))
  const parsed = z.object(Object.fromEntries(fields.map((field) => [field.name, answerTo(field)]))).safeParse(values)
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path: [name], message }) => [String(name), message] as const)
    return { ok: false, errors: Object.fromEntries(errors) }
  }
  return {
    ok: true,
    answers: Object.fromEntries(Object.entries(parsed.data).filter((entry): entry is [string, string] => Boolean(entry[1]))),
  }
}

function answerTo({ type, required, options = [] }: Field) {
  const answer = {
    text: atMost(SHORT),
    long_text: atMost(LONG),
    email: atMost(SHORT).pipe(z.email('Please give an e-mail address.')),
    number: atMost(SHORT).refine((text) => Number.isFinite(Number(text.replace(',', '.'))), 'Please give a number.'),
    date: z.iso.date('Please give a date.'),
    yes_no: z.enum(['yes', 'no'], 'Please choose one.'),
    choice: z.enum(options, 'Please choose one.'),
  }[type]
  const filled = z.preprocess(tidy, answer.optional())
  return required ? filled.refine((value) => value !== undefined, 'Please fill this in.') : filled
}

const atMost = (chars: number) => z.string().max(chars, `At most ${chars} characters, please.`)

/** As typed, without what no keyboard types; nothing at all is no answer. */
function tidy(value: unknown): unknown {
  if (typeof value !== 'string') return value
  return (
    value
      .replace(/\r\n?/g, '\n')
      .replace(/[^\P{Cc}\n\t]/gu, '')
      .trim() || undefined
  )
}
