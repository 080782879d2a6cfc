interface Statement {
  text: string
  values?: unknown[]
}

/** How the database carries out the last statement of `work`, with the values that it was given. */
export async function planOf<Db extends { query(statement: Statement): Promise<{ rows: object[] }> }>(
  db: Db,
  work: (db: Db) => Promise<unknown>,
): Promise<string> {
  let last: Statement = { text: '' }
  const query = (statement: Statement) => {
    last = { text: statement.text, ...(statement.values && { values: statement.values }) }
    return db.query(statement)
  }
  await work({ ...db, query })
  const { rows } = await db.query({ ...last, text: `explain (costs off) ${last.text}` })
  return rows.flatMap((row) => Object.values(row)).join('\n')
}
