import type { TelnyxApi } from './api.ts'

/** Where our numbers may text to. */
const DESTINATIONS = ['US', 'CA']

export interface ProfileOptions {
  /** One for all numbers, made by hand; null: one of ours, made when it is first needed. */
  messagingProfileId: string | null
  /** What ours is called. */
  profileName: string
  /** Where the texts to our numbers are reported; null: nowhere. */
  webhookUrl: string | null
}

/** The messaging profile that our numbers text through; in this process one look at a time. */
export function createProfiles(api: TelnyxApi, options: ProfileOptions) {
  const { messagingProfileId, profileName: name, webhookUrl } = options
  let looking: Promise<string> | null = null

  async function find(): Promise<string> {
    // where two processes have made one each, everybody takes the older: what was bought for the younger is assigned to it
    const [profile] = await api.profilesNamed(name)
    if (!profile) return (await api.createProfile({ name, webhookUrl, destinations: DESTINATIONS })).id
    // we may have moved since
    if (webhookUrl !== null && profile.webhook_url !== webhookUrl) await api.redirectProfile(profile.id, webhookUrl)
    return profile.id
  }

  return {
    async ensure(): Promise<string> {
      if (messagingProfileId !== null) return messagingProfileId
      looking ??= find().finally(() => (looking = null))
      return looking
    },
  }
}
