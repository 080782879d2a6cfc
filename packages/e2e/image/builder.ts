export interface Layer {
  digest: string
  bytes: number
}

export interface Box {
  /** TERM to its first process. */
  stop(): Promise<void>
  /** Its exit code. */
  exited: Promise<number | null>
  output(): string
}

export interface BoxOptions {
  image: string
  /** Null: as the image says. */
  user: string | null
  /** In place of what the image starts; null: that. */
  command: string[] | null
  env: Record<string, string>
  /** A folder of this machine, at `/data`. */
  volume?: string
  /** A folder of this machine, at the same place, not to be written. */
  readable?: string
}

/** What builds images here, and runs them on this machine's network. */
export interface Builder {
  name: string
  build(p: { context: string; file: string; tag: string; args: Record<string, string> }): Promise<void>
  run(options: BoxOptions): Promise<Box>
  /** Layers as a registry would hold them, compressed. */
  layers(image: string): Promise<Layer[]>
}

/** What a box is given of this machine, as `--volume` has it. */
export const mounts = ({ volume, readable }: BoxOptions): string[] => [
  ...(volume === undefined ? [] : [`${volume}:/data`]),
  ...(readable === undefined ? [] : [`${readable}:${readable}:ro`]),
]
