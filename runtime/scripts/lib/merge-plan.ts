/** sha256 by path, relative to the workspace. */
export type Hashes = Record<string, string>

export interface MergePlan {
  copy: string[]
  remove: string[]
  /** Changed by the agent or its owner: neither updated nor removed. */
  keep: string[]
  /** What is to be remembered as seeded. */
  seeded: Hashes
}

/** What to do so that a workspace holds the seed of today (`wanted`), but for what was changed since it was `seeded`. */
export function mergePlan(p: { wanted: Hashes; seeded: Hashes; present: Record<string, string | null> }): MergePlan {
  const plan: MergePlan = { copy: [], remove: [], keep: [], seeded: {} }
  for (const [path, want] of Object.entries(p.wanted)) {
    const [have, was] = [p.present[path] ?? null, p.seeded[path]]
    if (have !== null && have !== want && have !== was) {
      plan.keep.push(path)
      // what was seeded stays remembered, so that undoing the change brings updates back
      if (was !== undefined) plan.seeded[path] = was
      continue
    }
    if (have !== want) plan.copy.push(path)
    plan.seeded[path] = want
  }
  for (const [path, was] of Object.entries(p.seeded)) {
    const have = p.present[path] ?? null
    if (path in p.wanted || have === null) continue
    if (have === was) plan.remove.push(path)
    else plan.keep.push(path)
  }
  return plan
}
