import type { Plugin } from 'vite'

const NAMED = /^export (?:const|function) (\w+)/gm
/** `email(params) { return this.check(core._email(ZodEmail, params)); },` and those like it. */
const FORMAT = /^ {4}\w+\(params\) \{\n {8}return this\.check\(core\._\w+\(Zod\w+, params\)\);\n {4}\},\n/gm
const FORMATS = 20

/**
 * Every zod schema has a method for all that schemas can do, so that no bundler can tell what is never asked of ours. What nobody
 * here asks for stays away from what a phone loads first: to turn into a JSON Schema, to compile itself (which the content security
 * policy forbids anyway), to follow input that contains itself (no JSON does), and the formats of text as methods of `z.string()`
 * (`z.iso.datetime()` and the like are functions, and stay).
 */
export const slimZod = (): Plugin[] => [
  {
    name: 'zod-without-json-schema',
    apply: 'build',
    transform: {
      filter: { id: /\/zod\/v4\/core\/(json-schema-processors|to-json-schema)\.js/ },
      handler(code) {
        const names = [...code.matchAll(NAMED)].map(([, name]) => name)
        if (names.length === 0) this.error('zod is not made as it was: look at how it exports now')
        return {
          code: `const none = () => undefined\nexport { ${names.map((name) => `none as ${name}`).join(', ')} }\n`,
          map: null,
        }
      },
    },
  },
  {
    name: 'zod-without-what-nobody-asks-for',
    apply: 'build',
    transform: {
      filter: { id: /\/zod\/v4\/classic\/schemas\.js/ },
      handler(code) {
        const without = (text: string, what: string | RegExp, by: string, times: number) => {
          const found = text.split(what).length - 1
          if (found < times) this.error(`zod is not made as it was: ${String(what)} is there ${found} times`)
          return text.replaceAll(what, by)
        }
        const interpreted = without(code, 'core.$ZodObjectJIT.init(inst, def);', 'core.$ZodObject.init(inst, def);', 1)
        const plain = without(interpreted, /^ {4}_ensureDefaultMemoizer\(\);\n/gm, '', 1)
        return { code: without(plain, FORMAT, '', FORMATS), map: null }
      },
    },
  },
]

/** A schema does nothing by being made: those of a page that is loaded later are loaded with it. */
export const schemasWhereNeeded = (): Plugin => ({
  name: 'schemas-where-needed',
  apply: 'build',
  transform: {
    filter: { id: /\/pool\/src\/contract\// },
    handler: (code) => ({ code, map: null, moduleSideEffects: false }),
  },
})
