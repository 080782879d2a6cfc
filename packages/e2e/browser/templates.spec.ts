import { type Browser, expect, type Locator, type Page, test } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { look, LOOKS, watch } from './support/look.ts'
import { logIn } from './support/steps.ts'

const INSTRUCTIONS = `# Who you are

You plan **trips** to _Kyoto_. Ask for:

- dates
- budget
- [ ] visa

| Day | What |
|---|---|
| 1 | Asakusa |

\`\`\`
plan()
\`\`\`

<img src=x onerror=alert(1)> ![map](https://example.com/map.png) [guide](https://example.com/)
`

/** A page is loaded anew, with all of its code. */
const LOAD = { timeout: 20_000 }

let sandbox: RunningSandbox

test.describe.configure({ timeout: 120_000 })
test.beforeAll(async () => {
  test.setTimeout(120_000)
  sandbox = await startSandbox({ idle: 3, instances: 'virtual' })
})
test.afterAll(async () => {
  await sandbox.interrupt()
  await sandbox.forget()
})

/** A template made over the API, with a second version. */
async function aTemplate(agentName: string): Promise<string> {
  const send = async (method: string, path: string, change: Record<string, unknown>) => {
    const answer = await fetch(`${sandbox.poolUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${sandbox.poolApiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ agentName, instructions: INSTRUCTIONS, visibility: 'public', ...change }),
    })
    expect(answer.ok).toBe(true)
    return (await answer.json()) as { id: string }
  }
  const { id } = await send('POST', '/api/templates', { tools: [{ id: 'email', provisioning: 'pool' }] })
  await send('PUT', `/api/templates/${id}`, {
    instructions: INSTRUCTIONS.replace('- budget\n', ''),
    tools: [{ id: 'sms', provisioning: 'user' }],
  })
  return id
}

async function openTemplate(page: Page, id: string): Promise<void> {
  await page.goto(`${sandbox.poolUrl}/templates?open=${id}`)
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toBeVisible(LOAD)
}

const dialog = (page: Page): Locator => page.getByRole('dialog')
const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name })
const instructions = (page: Page): Locator => page.getByRole('textbox', { name: 'Instructions' })

async function another(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await logIn(page, sandbox)
  return page
}

test('a template is written, tried, and given to the agent that was claimed from it', async ({ page }) => {
  const offences = watch(page)
  await logIn(page, sandbox)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Go to' }).fill('new templ')
  await page.keyboard.press('Enter')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Guide')
  await instructions(page).fill(INSTRUCTIONS)
  await expect(page.locator('.markdown h3')).toHaveText('Who you are')
  await expect(page.locator('.markdown img')).toHaveCount(0)
  await page.getByRole('radiogroup', { name: 'Who may claim it' }).getByText('Everybody').click()
  await button(page, 'Create template').dblclick()
  await expect(page.getByRole('heading', { name: 'Guide' })).toBeVisible()
  await expect(page.getByRole('link', { name: /^Guide/ })).toHaveCount(1)

  await button(page, 'Try it').click()
  await button(page, /^Claim agent/).click()
  await expect(page.getByRole('link', { name: 'Open in Convos' })).toBeVisible({ timeout: 30_000 })
  await page.getByRole('link', { name: 'Templates' }).click()
  await page.getByRole('link', { name: /^Guide/ }).click()
  await expect(page.getByRole('link', { name: '1 agent', exact: true })).toBeVisible()

  await instructions(page).press('Control+End')
  await page.keyboard.type('Be brief.')
  await page.keyboard.press('Control+s')
  await expect(page.getByText('Saved as version 2')).toBeVisible()
  await button(page, 'Sync agents').click()
  await dialog(page).getByRole('button', { name: 'Sync 1 agent' }).click()
  await expect(page.getByText('Synced: 1 of 1 agent')).toBeVisible({ timeout: 60_000 })
  expect(offences).toEqual([])
})

test('two who change it at once: the second sees both, and decides', async ({ page, browser }) => {
  const id = await aTemplate('Contested')
  await logIn(page, sandbox)
  const other = await another(browser)
  for (const [one, words] of [
    [page, 'By train.\n'],
    [other, 'By plane.\n'],
  ] as const) {
    await openTemplate(one, id)
    await instructions(one).fill(words + INSTRUCTIONS)
  }
  await button(page, 'Save as version 3').click()
  await expect(page.getByText('Saved as version 3')).toBeVisible()
  await button(other, 'Save as version 3').click()
  await expect(dialog(other)).toContainText('Version 3 was saved while you edited')
  await expect(dialog(other).locator('.diff-removed')).toContainText('By train.')
  await expect(dialog(other).locator('.diff-added')).toContainText('By plane.')
  await look(other, 'templates-conflict')
  await button(other, 'Save mine as version 4').click()
  await expect(other.getByText('Saved as version 4')).toBeVisible()
  await other.getByRole('tab', { name: 'History' }).click()
  await other.getByRole('link', { name: /^Version 3/ }).click()
  await button(other, 'Restore version 3').click()
  await expect(other.getByText('Version 3 is back, as version 5')).toBeVisible()
  await other.getByRole('tab', { name: 'Edit' }).click()
  await expect(instructions(other)).toHaveValue(`By train.\n${INSTRUCTIONS}`)
  await other.context().close()
})

test('what is not saved is not left by accident, and outlives a reload', async ({ page }) => {
  const id = await aTemplate('Unsaved')
  await logIn(page, sandbox)
  await openTemplate(page, id)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Unsaved 2')
  await page.getByRole('link', { name: 'Pool', exact: true }).click()
  await expect(dialog(page)).toContainText('Leave without saving?')
  await look(page, 'templates-unsaved')
  await dialog(page).getByRole('button', { name: 'Stay' }).click()
  page.on('dialog', (asked) => void asked.accept())
  await page.reload()
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Unsaved 2')
  await page.getByRole('link', { name: 'Claim', exact: true }).click()
  await dialog(page).getByRole('button', { name: 'Discard changes' }).click()
  await expect(page.getByRole('heading', { name: 'Claim an agent' })).toBeVisible()
})

test('a template is deleted by its name, and whoever edits it is told', async ({ page, browser }) => {
  const id = await aTemplate('Doomed')
  await logIn(page, sandbox)
  const other = await another(browser)
  await openTemplate(other, id)
  await openTemplate(page, id)
  await button(page, 'Delete').click()
  await expect(dialog(page)).toContainText('Delete Doomed?')
  await look(page, 'templates-delete')
  await button(page, 'Delete template').click()
  await expect(page.getByText('Doomed is deleted')).toBeVisible()
  await expect(page.getByRole('link', { name: /^Doomed/ })).toHaveCount(0)
  await other.getByRole('textbox', { name: 'Name', exact: true }).fill('Doomed 2')
  // told by the refusal, or before it: the page asks now and then
  await other.keyboard.press('Control+s')
  await expect(other.getByText('Somebody deleted this template meanwhile')).toBeVisible(LOAD)
  await look(other, 'templates-gone')
  await other.context().close()
})

for (const [name, options] of Object.entries(LOOKS)) {
  test(`it looks right: ${name}`, async ({ browser }) => {
    const id = await aTemplate(`Trip planner 🧳 on ${name} مساعد with a name that goes on`)
    const page = await (await browser.newContext(options)).newPage()
    const offences = watch(page)
    await logIn(page, sandbox)
    await page.goto(`${sandbox.poolUrl}/templates`)
    await expect(page.getByRole('link', { name: new RegExp(`^Trip planner 🧳 on ${name}`) })).toBeVisible()
    await look(page, `templates-${name}-list`)
    await openTemplate(page, id)
    await expect(page.getByText('The claimer is asked for: Telnyx API key, Telnyx phone.')).toBeVisible()
    const preview = button(page, 'Preview')
    if (await preview.isVisible()) {
      await look(page, `templates-${name}-write`)
      await preview.click()
    }
    await expect(page.locator('.markdown')).toBeVisible()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('')
    await button(page, 'Save as version 3').click()
    await expect(page.getByText('A template needs a name')).toBeVisible()
    await look(page, `templates-${name}-edit`)
    await button(page, 'Discard').click()
    await page.getByRole('tab', { name: 'History' }).click()
    await page.getByRole('link', { name: /^Version 2/ }).click()
    await expect(page.locator('.diff-removed')).toContainText('budget')
    await look(page, `templates-${name}-history`)
    expect(offences).toEqual([])
    await page.context().close()
  })
}
