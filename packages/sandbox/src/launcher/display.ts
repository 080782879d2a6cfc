/** What a person sees while the sandbox starts: one line per phase, with its time; the running one is redrawn on a terminal. */
export interface Display {
  phase<T>(name: string, work: (progress: (text: string) => void) => Promise<T>): Promise<T>
  line(text?: string): void
}

export function createDisplay(out: NodeJS.WriteStream): Display {
  const redraw = (text: string) => {
    if (out.isTTY) out.write(`\r\x1b[2K${text}`)
  }
  return {
    line: (text = '') => void out.write(`${text}\n`),
    async phase(name, work) {
      const started = performance.now()
      redraw(`  … ${name}`)
      const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
      let detail = ''
      try {
        const result = await work((text) => {
          if (text === detail) return
          detail = text
          if (out.isTTY) redraw(`  … ${name} ${text}`)
          else out.write(`  … ${name} ${text}\n`)
        })
        redraw('')
        out.write(`  ✓ ${`${name} ${detail}`.trim().padEnd(24)} ${seconds()}\n`)
        return result
      } catch (err) {
        redraw('')
        out.write(`  ✗ ${name}\n`)
        throw err
      }
    },
  }
}
