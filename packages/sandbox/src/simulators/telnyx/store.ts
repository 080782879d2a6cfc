import { generateKeyPairSync } from 'node:crypto'
import { z } from 'zod'
import { Message, Order, OwnedNumber, Profile, Settings, type SettingsChange, StockedNumber } from './model.ts'

/** An Ed25519 private key. */
const SigningKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() })
export type SigningKey = z.infer<typeof SigningKey>

const State = z.object({
  stock: z.array(StockedNumber),
  orders: z.array(Order),
  numbers: z.array(OwnedNumber),
  /** Given back: nobody can buy them for a long time. */
  released: z.array(z.string()),
  profiles: z.array(Profile),
  messages: z.array(Message),
  settings: Settings,
  signingKey: SigningKey,
})
type State = z.infer<typeof State>

const drawSigningKey = () => SigningKey.parse(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }))

const empty = (signingKey: SigningKey): State => ({
  stock: [],
  orders: [],
  numbers: [],
  released: [],
  profiles: [],
  messages: [],
  settings: { activationMs: 500, listedAfterMs: 1_000, loser: 'conflict', stock: 20, requestsPerMinute: 1_000 },
  signingKey,
})

export type TelnyxStore = ReturnType<typeof createTelnyxStore>

/** Everything of the account, in the order of its creation. */
export function createTelnyxStore() {
  let state = empty(drawSigningKey())

  return {
    settings: () => state.settings,
    configure: (change: z.infer<typeof SettingsChange>) => void Object.assign(state.settings, change),
    signingKey: () => state.signingKey,

    stock: () => state.stock,
    addStock: (number: StockedNumber) => void state.stock.push(number),
    /** Takes a number off the market; false when it is not there. */
    takeFromStock(phoneNumber: string): boolean {
      const at = state.stock.findIndex((each) => each.phone_number === phoneNumber && each.shown)
      if (at >= 0) state.stock.splice(at, 1)
      return at >= 0
    },
    /** Was it for sale once, and is it gone? */
    isSold: (phoneNumber: string) =>
      state.released.includes(phoneNumber) || state.numbers.some((number) => number.phone_number === phoneNumber),

    orders: () => state.orders,
    order: (id: string) => state.orders.find((order) => order.id === id),
    addOrder: (order: Order) => void state.orders.push(order),

    numbers: () => state.numbers,
    numberOf: (phoneNumber: string) => state.numbers.find((number) => number.phone_number === phoneNumber),
    addNumber: (number: OwnedNumber) => void state.numbers.push(number),
    release(number: OwnedNumber) {
      state.numbers = state.numbers.filter((each) => each !== number)
      state.released.push(number.phone_number)
    },

    profiles: () => state.profiles,
    profile: (id: string | null) => state.profiles.find((profile) => profile.id === id),
    addProfile: (profile: Profile) => void state.profiles.push(profile),
    removeProfile: (profile: Profile) => void (state.profiles = state.profiles.filter((each) => each !== profile)),

    message: (id: string) => state.messages.find((message) => message.id === id),
    addMessage: (message: Message) => void state.messages.push(message),

    dump: () => state,
    load: (stored: unknown) => void (state = State.parse(stored)),
    /** The account itself stays: who has learnt its public key still trusts it. */
    reset: () => void (state = empty(state.signingKey)),
  }
}
