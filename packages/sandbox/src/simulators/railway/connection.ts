export interface PageArgs {
  first?: number | null
  after?: string | null
}

const cursorOf = (id: string) => Buffer.from(id).toString('base64url')

/**
 * A Relay connection over sorted nodes. The cursor names a node, so a page stays right when others appear or vanish;
 * nodes that `visible` hides are skipped, but still serve as cursors.
 */
export function connection<T extends { id: string }>(
  nodes: T[],
  { first, after }: PageArgs,
  visible: (node: T) => boolean = () => true,
) {
  const from = after ? nodes.findIndex((node) => cursorOf(node.id) === after) + 1 : 0
  const rest = nodes.slice(after && from === 0 ? nodes.length : from).filter(visible)
  const page = rest.slice(0, first ?? rest.length)
  const edges = page.map((node) => ({ cursor: cursorOf(node.id), node }))
  return {
    edges,
    pageInfo: {
      hasNextPage: page.length < rest.length,
      hasPreviousPage: from > 0,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}
