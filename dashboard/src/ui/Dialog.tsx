import { type ReactNode, useEffect, useId, useRef } from 'react'

interface DialogProps {
  title: ReactNode
  children: ReactNode
  /** Escape, or a button of the dialog. */
  onClose: () => void
}

/** A modal question: the browser's own dialog keeps the focus inside and gives it back afterwards. */
export function Dialog({ title, children, onClose }: DialogProps) {
  const titleId = useId()
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog ref={ref} aria-labelledby={titleId} onCancel={onClose}>
      <div className="stack">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
