import { expect, test } from 'vitest'
import { Turns } from '../src/turns.ts'

test('work under the same id is done once, also for who asks later', async () => {
  const turns = new Turns<number>()
  let done = 0
  const work = async () => ++done
  expect(await Promise.all([turns.run('a', work), turns.run('a', work)])).toEqual([1, 1])
  expect(await turns.run('a', work)).toBe(1)
})

test('one after the other, in the order they came, whatever fails', async () => {
  const turns = new Turns<string>()
  const order: string[] = []
  const first = Promise.withResolvers<string>()
  const failing = turns.run('a', async () => {
    order.push('a begins')
    return await first.promise
  })
  const second = turns.run('b', async () => {
    order.push('b begins')
    return 'b'
  })
  first.reject(new Error('no'))
  await expect(failing).rejects.toThrow('no')
  expect(await second).toBe('b')
  expect(order).toEqual(['a begins', 'b begins'])
})

test('what failed may be tried anew', async () => {
  const turns = new Turns<string>()
  await expect(turns.run('a', async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await turns.run('a', async () => 'yes')).toBe('yes')
})

test('of many only the latest are remembered', async () => {
  const turns = new Turns<number>()
  let done = 0
  for (let id = 0; id < 60; id++) await turns.run(String(id), async () => ++done)
  expect(await turns.run('59', async () => ++done)).toBe(60)
  expect(await turns.run('0', async () => ++done)).toBe(61)
})
