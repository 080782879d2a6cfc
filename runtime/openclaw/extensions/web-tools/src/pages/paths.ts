/** Everything below is this extension's. */
export const ROOT = '/web-tools'
export const STATUS_PATH = `${ROOT}/status`
export const formPath = (id: string) => `${ROOT}/forms/${id}`
/** The form that a path is of; null: of none. */
export const formIdIn = (path: string) => /^\/web-tools\/forms\/([\w-]{22})$/.exec(path)?.[1] ?? null
