import { formatNumber } from './format.ts'

const INSTRUCTIONS_MAX_BYTES = 64 * 1024

/** How long instructions are, of what pool takes. */
export function ByteCounter({ text }: { text: string }) {
  const bytes = new TextEncoder().encode(text).length
  return (
    <span className={bytes > INSTRUCTIONS_MAX_BYTES ? 'counter over' : 'counter'}>
      {formatNumber(bytes)} of {formatNumber(INSTRUCTIONS_MAX_BYTES)} bytes
    </span>
  )
}
