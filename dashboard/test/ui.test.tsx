import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { useState } from 'react'
import { expect, test, vi } from 'vitest'
import { Age } from '../src/ui/Age.tsx'
import { formatMoment } from '../src/ui/format.ts'
import { HeaderCell } from '../src/ui/HeaderCell.tsx'
import { Menu } from '../src/ui/Menu.tsx'
import { Popover } from '../src/ui/Popover.tsx'
import { Select } from '../src/ui/Select.tsx'
import { SidePanel } from '../src/ui/SidePanel.tsx'
import { Tabs } from '../src/ui/Tabs.tsx'
import { toast, Toasts } from '../src/ui/toast.tsx'
import { Tooltip } from '../src/ui/Tooltip.tsx'

const user = userEvent.setup()
const act = vi.fn<(what: string) => void>()

test('a menu does what is chosen, and says why something cannot be', async () => {
  const items = [
    { label: 'Kill', onSelect: () => act('kill') },
    { label: 'Recycle', onSelect: () => act('recycle'), unable: 'it is protected' },
  ]
  render(<Menu label="Actions" items={items} />)
  await user.click(screen.getByRole('button', { name: 'Actions' }))
  const off = await screen.findByRole('menuitem', { name: /Recycle/ })
  expect(off.textContent).toContain('it is protected')
  expect(off.getAttribute('aria-disabled')).toBe('true')
  await user.click(screen.getByRole('menuitem', { name: 'Kill' }))
  expect(act.mock.calls).toEqual([['kill']])
})

test('an age says its exact moment to whoever points at it', async () => {
  const since = new Date(Date.now() - 90_000).toISOString()
  render(<Age since={since} />)
  const age = screen.getByText('1 min')
  expect(age.getAttribute('datetime')).toBe(since)
  await user.hover(age)
  expect(age.title).toBe(formatMoment(Date.parse(since)))
})

test('tabs render the chosen panel alone', async () => {
  const panel = vi.fn<() => string>(() => 'the logs')
  function Some() {
    const [value, onChange] = useState<'timeline' | 'logs'>('timeline')
    const tabs = [
      { value: 'timeline' as const, label: 'Timeline', panel: () => 'the timeline' },
      { value: 'logs' as const, label: 'Logs', panel },
    ]
    return <Tabs label="Details" value={value} onChange={onChange} tabs={tabs} />
  }
  render(<Some />)
  screen.getByText('the timeline')
  expect(panel).not.toHaveBeenCalled()
  await user.click(screen.getByRole('tab', { name: 'Logs' }))
  await screen.findByText('the logs')
})

test('a select gives its value back, and writes no style sheet into the page', async () => {
  const sheets = document.querySelectorAll('style').length
  const onChange = vi.fn<(value: string) => void>()
  const options = [
    { value: '1h', label: 'The last hour' },
    { value: '24h', label: 'The last day' },
  ]
  render(<Select label="Window" value="1h" onChange={onChange} options={options} />)
  await user.click(screen.getByRole('combobox', { name: 'Window' }))
  await user.click(await screen.findByRole('option', { name: 'The last day' }))
  expect(onChange).toHaveBeenCalledWith('24h')
  expect(document.querySelectorAll('style')).toHaveLength(sheets)
})

test('a side panel leaves the page usable, and Escape closes it', async () => {
  const onClose = vi.fn<() => void>()
  render(
    <>
      <button type="button">On the page</button>
      <SidePanel title="tokyo" onClose={onClose}>
        details
      </SidePanel>
    </>,
  )
  await screen.findByRole('dialog', { name: 'tokyo' })
  await user.click(screen.getByRole('button', { name: 'On the page' }))
  expect(onClose).not.toHaveBeenCalled()
  screen.getByRole('button', { name: 'Close' }).focus()
  await user.keyboard('{Escape}')
  expect(onClose).toHaveBeenCalledOnce()
})

test('a popover and a tooltip say more when they are asked', async () => {
  render(
    <>
      <Popover label="Columns" title="Columns">
        what is shown
      </Popover>
      <Tooltip text="Railway 412 of 10 000 calls this hour">
        <button type="button">Railway</button>
      </Tooltip>
    </>,
  )
  await user.click(screen.getByRole('button', { name: 'Columns' }))
  await screen.findByText('what is shown')
  await user.keyboard('{Escape}')
  await user.tab()
  await user.hover(screen.getByRole('button', { name: 'Railway' }))
  await screen.findByText('Railway 412 of 10 000 calls this hour')
})

test('the head of a column says how it is sorted', async () => {
  const onSort = vi.fn<() => void>()
  render(
    <table>
      <thead>
        <tr>
          <HeaderCell sorted="desc" onSort={onSort}>
            Age
          </HeaderCell>
        </tr>
      </thead>
    </table>,
  )
  expect(screen.getByRole('columnheader', { name: 'Age' }).getAttribute('aria-sort')).toBe('descending')
  await user.click(screen.getByRole('button', { name: 'Age' }))
  expect(onSort).toHaveBeenCalledOnce()
})

test('a toast is said to everybody, and its code is loaded when there is one', async () => {
  render(<Toasts />)
  expect(document.querySelector('[data-sonner-toaster]')).toBeNull()
  await toast('Drain began', { hint: '5 instances' })
  await waitFor(() => expect(document.body.textContent).toContain('Drain began'))
  expect(document.body.textContent).toContain('5 instances')
})
