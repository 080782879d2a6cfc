import type { Field, Form, Given } from '../forms/form.ts'
import { type Html, html } from './html.ts'
import { page } from './layout.ts'

/** A form to fill in, with what was typed and what is wrong with it. It is sent to its own address. */
export function formPage(
  { title, intro, fields }: Form,
  { values = {}, errors = {} }: { values?: Given; errors?: Given } = {},
): string {
  const wrong = fields.filter(({ name }) => Object.hasOwn(errors, name))
  const body = html`
    ${intro !== undefined && html`<p class="intro">${intro}</p>`}
    ${
      wrong.length > 0 &&
      html`<div role="alert">
        <p class="bad">Please look at this again:</p>
        <ul>
          ${wrong.map(({ name, label }) => html`<li><a href="#${name}">${label}</a></li>`)}
        </ul>
      </div>`
    }
    <form method="post">
      ${fields.map((field) => control(field, values[field.name] ?? '', errors[field.name]))}
      <button type="submit">Send</button>
    </form>
    <p class="soft">
      Your answers go to the agent that gave you this link. Never type passwords, card numbers or recovery phrases here.
    </p>
  `
  return page(wrong.length > 0 ? `Not sent yet: ${title}` : title, body)
}

function control(field: Field, value: string, error: string | undefined): Html {
  const { name, label, help, required, type } = field
  const marked = html`${label}${!required && html` <span class="soft">(optional)</span>`}`
  const notes = html`
    ${help !== undefined && html`<p class="soft" id="${name}-help">${help}</p>`}
    ${error !== undefined && html`<p class="bad" id="${name}-error">${error}</p>`}
  `
  const described = [help !== undefined && `${name}-help`, error !== undefined && `${name}-error`].filter(Boolean).join(' ')
  const about = html`name="${name}" ${required && html`required`} ${error !== undefined && html`aria-invalid="true"`}
  ${described !== '' && html`aria-describedby="${described}"`}`
  if (type === 'yes_no')
    return html`<fieldset class="field" id="${name}">
      <legend>${marked}</legend>
      ${notes} ${['yes', 'no'].map((each) => radio(each, value, about))}
    </fieldset>`
  return html`<div class="field">
    <label for="${name}">${marked}</label>
    ${notes} ${input(field, value, html`id="${name}" ${about}`)}
  </div>`
}

const radio = (option: string, value: string, about: Html) =>
  html`<label class="one"
    ><input type="radio" ${about} value="${option}" ${value === option && html`checked`} /> ${option}</label
  >`

const INPUTS = { text: 'text', email: 'email', date: 'date', number: 'text', yes_no: 'text' } as const

function input({ type, options = [] }: Field, value: string, about: Html): Html {
  // the line end after the tag is dropped by browsers, so that a text may begin with one
  if (type === 'long_text') return html`<textarea ${about} maxlength="5000">${'\n'}${value}</textarea>`
  if (type === 'choice')
    return html`<select ${about}>
      <option value=""></option>
      ${options.map((option) => html`<option value="${option}" ${option === value && html`selected`}>${option}</option>`)}
    </select>`
  const decimal = type === 'number' && html`inputmode="decimal"`
  return html`<input type="${INPUTS[type]}" ${decimal} ${about} maxlength="500" value="${value}" />`
}
