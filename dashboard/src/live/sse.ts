/** One block of an event stream. A heartbeat has neither event nor data, and moves the cursor all the same. */
export interface Block {
  event: string | null
  data: string | null
  id: string | null
  /** How long to wait before coming back, ms. */
  retry: number | null
}

/** Takes the text of a stream in any pieces, and gives the blocks that are complete. */
export function blockReader(): (text: string) => Block[] {
  let rest = ''
  return (text) => {
    // a line break may be cut in two, so that only what is followed by something is known to be whole
    const blocks = (rest + text).replaceAll('\r\n', '\n').split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.map(readBlock)
  }
}

function readBlock(text: string): Block {
  const block: Block = { event: null, data: null, id: null, retry: null }
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') block.event = value
    else if (name === 'data') block.data = block.data === null ? value : `${block.data}\n${value}`
    else if (name === 'id') block.id = value
    else if (name === 'retry' && /^\d+$/.test(value)) block.retry = Number(value)
  }
  return block
}
