import type { InstanceEvent } from '@convos/pool/contract'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useRef, useState } from 'react'
import { formatNumber } from '../ui/format.ts'
import { Skeleton } from '../ui/Skeleton.tsx'
import { LogLine } from './LogLine.tsx'
import { useInstanceNames } from './useInstanceNames.ts'
import { useLogKeys } from './useLogKeys.ts'
import type { LogView } from './view.ts'

const LINE = 36
const WAITING = 12
/** The next page is asked for when so few lines are left below. */
const AHEAD = 40
const NEAR_TOP = 8
const NOTHING: InstanceEvent[] = []

interface LogListProps {
  /** The latest first; null until the first answer. */
  lines: InstanceEvent[] | null
  show: (change: Partial<LogView>) => void
  /** The lines are those of the filter before. */
  old: boolean
  /** More has happened than is kept: only reading from the end shows it. */
  tooMuch: boolean
  readFromEnd: () => void
  more: boolean
  /** Null while that would do nothing. */
  fetchMore: (() => unknown) | null
}

/**
 * The log as lines of which only those in sight exist. What is read does not move away: once it is scrolled, or a line is open,
 * what happens waits above until it is asked for.
 */
export function LogList({ lines, show, old, tooMuch, readFromEnd, more, fetchMore }: LogListProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const names = useInstanceNames()
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [scrolled, setScrolled] = useState(false)
  /** The line that is the first for as long as what comes has to wait. */
  const [held, setHeld] = useState<string | null>(null)
  const [walked, setWalked] = useState<string | null>(null)
  const all = lines ?? NOTHING
  const isHolding = scrolled || open.size > 0
  const latest = all[0]?.id ?? null
  if (isHolding ? held === null && latest !== null : held !== null) setHeld(isHolding ? latest : null)
  const waiting =
    held === null
      ? 0
      : Math.max(
          0,
          all.findIndex(({ id }) => id === held),
        )
  const shown = waiting === 0 ? all : all.slice(waiting)

  const virtual = useVirtualizer({
    count: lines === null ? WAITING : shown.length + (more ? WAITING : 0),
    getScrollElement: () => scroller.current,
    getItemKey: (index) => shown[index]?.id ?? `waiting ${index}`,
    estimateSize: () => LINE,
    overscan: 8,
  })
  const items = virtual.getVirtualItems()
  const lowest = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (more && lines !== null && lowest >= shown.length - AHEAD) fetchMore?.()
  }, [more, lines, shown.length, lowest, fetchMore])
  useEffect(() => {
    if (tooMuch && !isHolding) readFromEnd()
  }, [tooMuch, isHolding, readFromEnd])

  const toTop = () => {
    if (tooMuch) readFromEnd()
    setHeld(open.size > 0 ? latest : null)
    scroller.current?.scrollTo({ top: 0 })
  }
  const toggle = useCallback((id: string) => {
    setWalked(id)
    setOpen((before) => {
      const next = new Set(before)
      if (!next.delete(id)) next.add(id)
      return next
    })
  }, [])
  useLogKeys((by) => {
    const from = shown.findIndex(({ id }) => id === walked)
    const at = from < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, from + by))
    const next = shown[at]
    if (!next) return
    setWalked(next.id)
    virtual.scrollToIndex(at)
    // the line may only exist after that
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-line="${CSS.escape(next.id)}"]`)?.focus({ preventScroll: true }),
    )
  })

  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <div className="log-frame">
      {(waiting > 0 || (tooMuch && isHolding)) && (
        <button type="button" className="button compact primary log-news" onClick={toTop}>
          {tooMuch ? 'Much has happened since: show the latest' : `${formatNumber(waiting)} new`}
        </button>
      )}
      <div
        ref={scroller}
        className="log-scroll"
        role="region"
        aria-label="Events, scrollable"
        tabIndex={0}
        onScroll={({ currentTarget }) => setScrolled(currentTarget.scrollTop > NEAR_TOP)}
      >
        <ol className="log-lines-list" aria-label="Events" aria-busy={lines === null || old}>
          <Space height={above} />
          {items.map(({ index, key }) => {
            const event = lines === null ? undefined : shown[index]
            return event ? (
              <LogLine
                key={key}
                ref={virtual.measureElement}
                event={event}
                index={index}
                count={more ? -1 : shown.length}
                names={names}
                open={open.has(event.id)}
                onToggle={toggle}
                show={show}
              />
            ) : (
              <li key={key} className="log-line log-waiting" aria-hidden="true">
                <Skeleton />
              </li>
            )
          })}
          <Space height={below} />
        </ol>
        {lines !== null && !more && <p className="hint log-end">The log begins here; older events are not kept.</p>}
      </div>
    </div>
  )
}

/** Stands for the lines out of sight. */
const Space = ({ height }: { height: number }) => height > 0 && <li aria-hidden="true" style={{ height }} />
