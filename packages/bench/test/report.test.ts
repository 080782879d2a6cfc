import { expect, test } from 'vitest'
import { parseOptions } from '../src/options.ts'
import { allMet, ms, row, table } from '../src/report.ts'

const rows = [row('claims', '50', '50', true), row('  p50', ms(3.21)), row('burst', ms(12_345), '< 3 s', false)]

test('a table lines up, and says what was missed', () => {
  expect(table(rows)).toBe(
    [
      '| what   | measured | target | met |',
      '|--------|----------|--------|-----|',
      '| claims | 50       | 50     | yes |',
      '|   p50  | 3.2 ms   |        |     |',
      '| burst  | 12.3 s   | < 3 s  | NO  |',
    ].join('\n'),
  )
})

test('only what has a target can miss it', () => {
  expect(allMet(rows)).toBe(false)
  expect(allMet(rows.slice(0, 2))).toBe(true)
})

test('options: everything unless less is asked for; what is not understood is said', () => {
  expect(parseOptions([])).toMatchObject({ parts: ['reservation', 'tick', 'claims'], seed: 1, strict: false, json: false })
  expect(parseOptions(['--', '--quick', '--only', 'tick'])).toMatchObject({ parts: ['tick'], size: { tick: { fleets: [1000] } } })
  expect(parseOptions(['--help'])).toBeNull()
  expect(() => parseOptions(['--only', 'nothing'])).toThrow('none of reservation, tick, claims')
  expect(() => parseOptions(['--seed', 'x'])).toThrow('whole number')
  expect(() => parseOptions(['--quik'])).toThrow('quik')
})
