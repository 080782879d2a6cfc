/** A copy that lacks these fields: what the simulator keeps for itself is not for the wire. */
export function without<T extends object, K extends keyof T>(row: T, ...names: K[]): Omit<T, K> {
  const copy = { ...row }
  for (const name of names) delete copy[name]
  return copy
}
