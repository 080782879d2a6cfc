import base from './playwright.config.ts'

/** With the real gateway in the box, which takes minutes to install and half a minute to start. */
export default { ...base, testDir: './openclaw', timeout: 300_000 }
