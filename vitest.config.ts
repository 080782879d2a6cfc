import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'

/** The longest files first, so that they do not run on alone when all others are done. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- not an array's, but the sequencer's own
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => /\/pool\/test\/model\/|\/packages\/e2e\//.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // most of them have `isolate: false`: with a worker, its modules and its emptied databases anew for each file, all takes half as long again
    projects: [
      ...[
        'pool',
        'services',
        'dashboard',
        'runtime/server',
        'runtime/scripts',
        'runtime/openclaw/bin',
        'runtime/openclaw/extensions/convos',
        'runtime/openclaw/extensions/web-tools',
        'packages/kit',
        'packages/sandbox',
        'packages/bench',
        'packages/deploy',
        'packages/e2e',
      ].map((folder) => `${folder}/vitest.config.ts`),
      'pool/vitest.histories.config.ts',
    ],
  },
})
