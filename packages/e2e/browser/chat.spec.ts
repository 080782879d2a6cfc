import { expect, test } from '@playwright/test'
import { startSimulators } from '@convos/sandbox'
import { z } from 'zod'
import { holdToAA } from './support/look.ts'

const Created = z.object({ id: z.string(), creatorInboxId: z.string(), invite: z.object({ url: z.string() }) })
const Messages = z.object({ messages: z.array(z.object({ id: z.string() })) })

test('the page behind an invite shows what others do: replies, reactions, files, typing, and the end', async ({ page }) => {
  const simulators = await startSimulators()
  const api = async (method: string, path: string, body?: object): Promise<unknown> => {
    const res = await fetch(`${simulators.url}/convos/api${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return res.status === 204 ? null : await res.json()
  }
  try {
    const creator = { name: 'Ada', kind: 'agent' }
    const { id, creatorInboxId: ada, invite } = Created.parse(await api('POST', '/conversations', { name: 'Books', creator }))
    const at = `/conversations/${id}`
    await page.goto(invite.url)
    await page.getByRole('button', { name: 'Join' }).click()
    await page.getByRole('textbox', { name: 'Message' }).fill('which shelf?')
    await page.getByRole('button', { name: 'Send' }).click()
    await expect(page.getByRole('article')).toHaveCount(1)
    const asked = Messages.parse(await api('GET', `${at}/messages`)).messages[0]?.id ?? ''

    await api('POST', `${at}/messages`, { senderInboxId: ada, text: 'The third.', replyTo: asked })
    await expect(page.getByRole('article').nth(1)).toContainText('which shelf?')
    const react = (emoji: string, action = 'added') =>
      api('POST', `${at}/messages/${asked}/reactions`, { inboxId: ada, emoji, action })
    await react('👍')
    await react('📚')
    await react('📚', 'removed')
    await expect(page.getByRole('list', { name: 'Reactions' })).toHaveText('👍 Ada')

    const upload = await fetch(`${simulators.url}/convos/api${at}/files?filename=shelf.svg`, { method: 'POST', body: '<svg/>' })
    await api('POST', `${at}/messages`, { senderInboxId: ada, attachment: z.looseObject({}).parse(await upload.json()) })
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /shelf\.svg/ }).click()])
    expect(download.suggestedFilename()).toBe('shelf.svg')

    await api('POST', `${at}/signals`, { type: 'typing', inboxId: ada, isTyping: true })
    await expect(page.getByText('Ada is typing…')).toBeVisible()
    await holdToAA(page)
    await api('POST', `${at}/signals`, { type: 'typing', inboxId: ada, isTyping: false })
    await expect(page.getByText('Ada is typing…')).toBeHidden()

    await api('POST', `${at}/explode`, { inboxId: ada })
    await expect(page.getByText('Ada ended this conversation.')).toBeVisible()
    await expect(page.getByRole('textbox', { name: 'Message' })).toBeHidden()
  } finally {
    await simulators.close()
  }
})
