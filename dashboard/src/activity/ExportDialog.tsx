import { useState } from 'react'
import type { LogFilter } from '../api/log.ts'
import { useSession } from '../session/session.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { formatMoment, formatNumber, plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { fileName, fileOf, type Format, FORMATS, type Gathered, MOST_BYTES } from './exporting.ts'
import { useExport } from './useExport.ts'

/** Gathers what passes the filter, page by page, into a file. */
export function ExportDialog({ filter, onClose }: { filter: LogFilter; onClose: () => void }) {
  const { environment } = useSession()
  const [format, setFormat] = useState<Format>('csv')
  const { so, state, error, start, stop } = useExport(filter, format, (file) => saveFile(file, format, environment))
  return (
    <Dialog title="Export the events shown" onClose={onClose}>
      <fieldset className="formats" disabled={state !== 'idle'}>
        <legend className="visually-hidden">Format</legend>
        {(Object.keys(FORMATS) as Format[]).map((one) => (
          <label key={one} className="check">
            <input type="radio" name="format" checked={format === one} onChange={() => setFormat(one)} /> {FORMATS[one]}
          </label>
        ))}
      </fieldset>
      <p className="hint">
        All that passes the filter, also what is not on screen, up to {formatNumber(MOST_BYTES / 1_000_000)} MB; where there is
        more, the oldest are left out.
      </p>
      <p role="status" className="export-so-far">
        {state !== 'idle' && soFar(so, state)}
      </p>
      {so.isCut && (
        <p className="notice">
          <strong>The file is cut.</strong> What happened before {formatMoment(Date.parse(so.from ?? ''))} is not in it: set
          “Before” to that time, and export again.
        </p>
      )}
      {error && <Problem error={error} />}
      <div className="act end">
        {state === 'running' ? (
          <Button onClick={stop}>Stop</Button>
        ) : (
          <>
            <Button onClick={onClose}>Close</Button>
            {so.count > 0 && (
              <Button onClick={() => saveFile(so, format, environment)}>
                {state === 'done' ? 'Save again' : `Save these ${formatNumber(so.count)}`}
              </Button>
            )}
            {state !== 'done' && (
              <Button look="primary" onClick={start}>
                {state === 'idle' ? 'Export' : 'Go on'}
              </Button>
            )}
          </>
        )}
      </div>
    </Dialog>
  )
}

function soFar({ count, from }: Gathered, state: 'running' | 'stopped' | 'done'): string {
  const back = from === null ? '' : `, back to ${formatMoment(Date.parse(from))}`
  if (state === 'done') return count === 0 ? 'Nothing passes the filter.' : `${plural(count, 'event')} saved${back}.`
  return `${plural(count, 'event')} so far${back}${state === 'stopped' ? '. Stopped.' : ' …'}`
}

function saveFile(so: Gathered, format: Format, environment: string): void {
  const url = URL.createObjectURL(fileOf(so, format))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName(so, format, environment)
  link.click()
  // the browser has taken it by then
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
