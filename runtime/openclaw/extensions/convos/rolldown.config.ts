import { defineConfig } from 'rolldown'

export default defineConfig({
  input: 'src/index.ts',
  platform: 'node',
  // the gateway gives its plugins its own SDK, which is installed or not
  external: [/^openclaw\//],
  output: { file: 'dist/index.js' },
})
