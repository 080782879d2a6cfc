import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { pagesFor } from '../pages.ts'
import { useSession } from '../session/session.ts'

/** What the keys do. */
export function Help({ onClose }: { onClose: () => void }) {
  const keys = [
    ['⌘ K', 'Ctrl K', 'Go to a page or an instance, or do something'],
    ...pagesFor(useSession().role).map(({ key, name }) => [`g ${key}`, null, `Go to ${name}`] as const),
    ['j', 'k', 'In the fleet and the activity: the next row, the one before'],
    ['Enter', 'x', 'There: open the row; in the fleet: select it'],
    ['/', null, 'In the fleet: search'],
    ['Ctrl S', null, 'In a template: save it'],
    ['?', null, 'This help'],
    ['Esc', null, 'Close what is open'],
  ] as const
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl className="keys">
        {keys.map(([key, other, does]) => (
          <div key={does}>
            <dt>
              <kbd>{key}</kbd>
              {other !== null && (
                <>
                  {' or '}
                  <kbd>{other}</kbd>
                </>
              )}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p className="hint">
        Everything here can also be done over the API: <a href="/docs">its description</a>.
      </p>
      <div className="act end">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  )
}
