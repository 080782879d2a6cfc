/** Preloaded into a process, says on its standard error which modules of a package it loads. */
const hook = (part: string) => `
  import { registerHooks } from 'node:module'
  registerHooks({ load(url, context, next) {
    if (url.includes(${JSON.stringify(part)})) process.stderr.write('loads ' + url + '\\n')
    return next(url, context)
  } })`

/** How a line of it begins. */
export const LOADS = 'loads '

/** The variable that has a process tell of every module whose address contains `part`. */
export const spyOnLoads = (part: string): { NODE_OPTIONS: string } => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook(part))}`,
})
