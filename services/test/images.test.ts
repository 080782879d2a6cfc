import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { resolveImage, wantedImage } from '../src/images.ts'
import { createHarness, type Harness } from './support/harness.ts'

/** What the tag means, asked by several at once. */
let h: Harness
beforeEach(async () => {
  h = await createHarness(inject('postgresUrl'))
})
afterEach(() => h.close())

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`

test('an answer that was long on its way does not take the place of one that was asked for later', async () => {
  const answers: PromiseWithResolvers<string>[] = []
  h.ctx.images = {
    resolve() {
      const answer = Promise.withResolvers<string>()
      answers.push(answer)
      return answer.promise
    },
  }
  const early = resolveImage(h.ctx)
  await expect.poll(() => answers.length).toBe(1)
  const late = resolveImage(h.ctx)
  await expect.poll(() => answers.length).toBe(2)
  answers[1]?.resolve(digestOf('b'))
  expect(await late).toMatchObject({ digest: digestOf('b') })
  answers[0]?.resolve(digestOf('a'))
  expect(await early).toMatchObject({ digest: digestOf('b') })
  await h.moveClock(-3_600_000)
  const last = resolveImage(h.ctx)
  await expect.poll(() => answers.length).toBe(3)
  answers[2]?.resolve(digestOf('c'))
  await last
  expect(await wantedImage(h.ctx)).toMatchObject({ digest: digestOf('c') })
})
