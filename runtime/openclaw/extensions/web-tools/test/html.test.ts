import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Form } from '../src/forms/form.ts'
import { html } from '../src/pages/html.ts'
import { formPage } from '../src/pages/form-page.ts'
import { statusPage } from '../src/pages/status-page.ts'
import { START } from './support.ts'

/** What a page is made of, without its words: nothing that somebody wrote may change it. */
const skeleton = (page: string) => [...page.replaceAll(/"[^"]*"/g, '""').matchAll(/<[^>]*>/g)].map(([tag]) => tag)
const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '=', ' ', '`', 'x', '\n') }),
  fc.constantFrom(
    '</title><script>alert(1)</script>',
    '" onfocus="x',
    '</textarea><b>',
    "'><img src=x onerror=x>",
    '<!--',
    '&quot;><i>',
  ),
)

describe('a value on a page', () => {
  test('is text, wherever it stands', () => {
    expect(html`<p title="${'"<&>\''}">${'<b>'}${[html`<i>${'&'}</i>`, null, false, 3]}</p>`.text).toBe(
      '<p title="&quot;&lt;&amp;&gt;&#39;">&lt;b&gt;<i>&amp;</i>3</p>',
    )
  })

  test('never becomes a part of a form', () => {
    const form = (words: string): Form => ({
      id: 'x'.repeat(22),
      title: words,
      intro: words,
      fields: [
        { name: 'a', label: words, type: 'text', required: true, help: words },
        { name: 'b', label: words, type: 'long_text', required: false },
        { name: 'c', label: words, type: 'choice', required: true, options: [words, `${words}2`] },
        { name: 'd', label: words, type: 'yes_no', required: true },
      ],
      createdAt: START,
      expiresAt: START,
      answers: null,
      answeredAt: null,
    })
    const rendered = (words: string) =>
      formPage(form(words), { values: { a: words, b: words, c: words, d: words }, errors: { a: words, c: words } })
    const plain = rendered('word')
    fc.assert(
      fc.property(
        hostile.filter((words) => words !== 'yes' && words !== 'no'),
        (words) => {
          const page = rendered(words)
          expect(skeleton(page)).toEqual(skeleton(plain))
        },
      ),
    )
  })

  test('never becomes a part of the status page', () => {
    const rendered = (words: string) =>
      statusPage({
        agent: { name: words, ready: true, conversationId: words },
        tools: [
          { toolId: words, name: words, resourceId: words, state: words, allowed: true, config: { [words]: words, a: words } },
        ],
        credits: words,
        expiresAt: START,
      })
    fc.assert(
      fc.property(
        hostile.filter((words) => !/key|token|secret|password/i.test(words)),
        (words) => {
          expect(skeleton(rendered(`${words}.`))).toEqual(skeleton(rendered('word.')))
        },
      ),
    )
  })
})
