import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Layer } from './builder.ts'

const Index = z.object({ manifests: z.array(z.object({ digest: z.string() })).min(1) })
const Manifest = z.object({ layers: z.array(z.object({ digest: z.string(), size: z.number() })) })

/** Lets `write` put an image into a folder in the OCI layout, and reads its layers there. */
export async function layersOf(write: (folder: string) => Promise<unknown>): Promise<Layer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'image-layers-'))
  try {
    await write(folder)
    const json = async (...path: string[]): Promise<unknown> => JSON.parse(await readFile(join(folder, ...path), 'utf8'))
    const [first] = Index.parse(await json('index.json')).manifests
    const [, hash = ''] = first?.digest.split(':') ?? []
    return Manifest.parse(await json('blobs', 'sha256', hash)).layers.map(({ digest, size }) => ({ digest, bytes: size }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
