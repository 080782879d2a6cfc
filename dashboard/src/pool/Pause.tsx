import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { Problem } from '../ui/Problem.tsx'
import { useChangeSettings } from './acts.ts'

/** Stops the refill, after asking. */
export function Pause({ paused }: { paused: boolean }) {
  const [asking, setAsking] = useState(false)
  const change = useChangeSettings()
  return (
    <>
      <Button unable={paused ? 'it is paused already' : undefined} onClick={() => setAsking(true)}>
        Pause
      </Button>
      {asking && (
        <ConfirmDialog
          title="Pause the refill?"
          act="Pause the refill"
          keep="Keep it running"
          thing="the refill of the whole pool"
          busy={change.isPending}
          error={change.error}
          onConfirm={() => change.mutate({ paused: true }, { onSuccess: () => setAsking(false) })}
          onClose={() => setAsking(false)}
        >
          <p>Nothing new is created until somebody resumes it. What is ready can still be claimed, until it runs out.</p>
        </ConfirmDialog>
      )}
    </>
  )
}

/** Stands as long as the refill is paused. */
export function PausedBanner() {
  const change = useChangeSettings()
  return (
    <div className="notice pool-banner">
      <p role="status">
        <strong>The refill is paused.</strong> Nothing new is created until it is resumed.
      </p>
      <Button className="compact" busy={change.isPending} onClick={() => change.mutate({ paused: false })}>
        Resume
      </Button>
      {change.error && <Problem error={change.error} isAct />}
    </div>
  )
}
