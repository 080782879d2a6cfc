import { expect } from '@playwright/test'
import { look, LOOKS } from './support/look.ts'
import { invite, isLive, logIn, openPool, panel, pulse, readyIn, table, work } from './support/steps.ts'
import { test } from './support/test.ts'

const NOBODY = { cookies: [], origins: [] }

for (const [name, options] of Object.entries(LOOKS))
  test(`login, more, palette and help are sound: ${name}`, async ({ browser }) => {
    const stranger = await (await browser.newContext({ ...options, storageState: NOBODY })).newPage()
    await stranger.goto('/pool')
    await expect(stranger.getByRole('textbox', { name: 'API key' })).toBeVisible()
    await look(stranger, `login-${name}`)
    await stranger.context().close()

    const page = await (await browser.newContext(options)).newPage()
    await page.goto('/nowhere')
    await expect(page.getByText('There is no such page.')).toBeVisible()
    await look(page, `nowhere-${name}`)
    if (name === 'phone') {
      await page.getByRole('button', { name: 'More' }).click()
      await look(page, 'more')
      await page.getByRole('button', { name: 'Help' }).click()
    } else {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: 'Go to' }).fill('fleet')
      await look(page, 'palette')
      await page.keyboard.press('Enter')
      await expect(table(page)).toBeVisible()
      await page.keyboard.press('?')
    }
    await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible()
    await look(page, `help-${name}`)
    await page.context().close()
  })

test('a claimer sees what is theirs, and is told what is not', async ({ browser, pool, sandbox }) => {
  const { key } = (await pool.ask('POST', '/api/keys', { name: 'site', role: 'claimer' })) as { key: string }
  const page = await (await browser.newContext({ storageState: NOBODY })).newPage()
  await logIn(page, { ...sandbox, poolApiKey: key })
  await expect(page.getByRole('link', { name: 'Fleet' })).toHaveCount(0)
  await page.goto('/instances')
  await expect(page.getByText('This page is for operators.')).toBeVisible()
  await look(page, 'operators-only')
  await page.context().close()
})

test('the palette opens an instance, as the rack does', async ({ page, pool }) => {
  const { instanceId } = await pool.claim('Porto guide')
  await page.goto('/')
  await isLive(page)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Go to' }).fill('porto')
  await expect(page.getByRole('option')).toHaveCount(1)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/instances\\?open=${instanceId}`))
  await expect(panel(page)).toContainText('Porto guide')
  await page.keyboard.press('Escape')
  await page.keyboard.press('g')
  await page.keyboard.press('p')
  await expect(page).toHaveURL(/\/pool$/)
})

test('under reduced motion nothing moves', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  const moving = () =>
    page.evaluate(() =>
      document
        .getAnimations()
        .filter(({ effect }) => Number(effect?.getComputedTiming().duration ?? 0) > 0)
        .map((animation) => (animation.effect as KeyframeEffect).target?.className ?? ''),
    )
  await openPool(page)
  await page.getByRole('button', { name: 'Drain…' }).click()
  expect(await moving()).toEqual([])
  await page.getByRole('option').first().click()
  await expect(panel(page)).toBeVisible()
  expect(await moving()).toEqual([])
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('combobox', { name: 'Go to' })).toBeVisible()
  expect(await moving()).toEqual([])
})

test('a session that ends in the middle of things leads to the login, and back with what was typed', async ({
  page,
  context,
  sandbox,
}) => {
  const again = async () => {
    await page.getByRole('textbox', { name: 'API key' }).fill(sandbox.poolApiKey)
    await page.getByRole('button', { name: 'Log in' }).click()
  }
  await page.goto('/')
  await page.getByRole('textbox', { name: 'Agent name' }).fill('Kept over the login')
  await context.clearCookies()
  await page.getByRole('button', { name: /^(Claim agent|Wait for)/ }).click()
  await again()
  // the very claim that was asked for
  await expect(page.getByRole('heading', { name: 'Kept over the login is ready' })).toBeVisible({ timeout: 60_000 })
  await expect(invite(page)).toBeVisible()

  await page.goto('/instances?status=ready')
  await expect(readyIn(page).first()).toBeVisible()
  await page
    .getByRole('checkbox', { name: /^Select [^a]/ })
    .first()
    .check()
  await page.getByRole('button', { name: /^Drain 1/ }).click()
  await context.clearCookies()
  await page.getByRole('dialog').getByRole('button', { name: 'Drain instance' }).click()
  await again()
  await expect(page).toHaveURL(/\/instances\?status=ready$/)
  await expect(readyIn(page).first()).toBeVisible()
  await expect(work(page)).toHaveCount(0)
  await expect(pulse(page)).toBeVisible()
})
