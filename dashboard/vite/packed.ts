import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const PACKERS = [
  ['.br', promisify(brotliCompress)],
  ['.gz', promisify(gzip)],
] as const

/** Lays every script and style sheet down packed as well, as pool sends it to whoever takes it so. */
export const packed = (): Plugin => ({
  name: 'packed',
  apply: 'build',
  async writeBundle({ dir = '' }, bundle) {
    const texts = Object.values(bundle).filter(({ fileName }) => /\.(js|css)$/.test(fileName))
    const pack = texts.flatMap((one) =>
      PACKERS.map(async ([suffix, packer]) =>
        writeFile(join(dir, one.fileName + suffix), await packer(one.type === 'chunk' ? one.code : one.source)),
      ),
    )
    await Promise.all(pack)
  },
})
