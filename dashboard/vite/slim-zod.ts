import type { Plugin } from 'vite'

const NAMED = /^export (?:const|function) (\w+)/gm

/**
 * Every zod schema can turn itself into a JSON Schema, so that no bundler can tell that none of ours is ever asked to: that half
 * of zod would be a thirtieth of what a phone loads first.
 */
export const withoutJsonSchema = (): Plugin => ({
  name: 'without-json-schema',
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
})

/** A schema does nothing by being made: those of a page that is loaded later are loaded with it. */
export const schemasWhereNeeded = (): Plugin => ({
  name: 'schemas-where-needed',
  apply: 'build',
  transform: {
    filter: { id: /\/pool\/src\/contract\// },
    handler: (code) => ({ code, map: null, moduleSideEffects: false }),
  },
})
