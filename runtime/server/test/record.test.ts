import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  admission,
  advance,
  applyProfile,
  begin,
  type BindingRecord,
  cancelledBefore,
  conversationOf,
  type Happening,
  replyOf,
  reported,
} from '../src/binding/record.ts'

const order = { claimId: 'c1', agentName: 'Ada', instructions: '', model: null }
const creating = begin({ ...order, joinUrl: null })
const joining = begin({ ...order, joinUrl: 'https://invite.example/v2?i=x' })

const happening = fc.oneof(
  fc.record({
    type: fc.constant('bound' as const),
    conversationId: fc.string({ minLength: 1 }),
    inviteUrl: fc.option(fc.webUrl()),
  }),
  fc.constantFrom<Happening>(
    { type: 'requested' },
    { type: 'refused' },
    { type: 'ending', at: '2030-01-01T00:00:00Z' },
    { type: 'ended' },
    { type: 'cancelled' },
  ),
)
const after = (record: BindingRecord, all: Happening[]) => all.reduce((now, next) => advance(now, next) ?? now, record)

describe('whatever happens, in whatever order', () => {
  test('the claim stays the same, and a cancelled one is never taken up again', () => {
    fc.assert(
      fc.property(fc.array(happening), fc.array(happening), (before, later) => {
        const cancelled = after(joining, [...before, { type: 'cancelled' }])
        expect(after(cancelled, later)).toEqual(cancelled)
        expect(admission(cancelled, 'c1')).toBe('CANCELLED')
      }),
    )
  })

  test('a conversation that has ended is none any more, and does not come back', () => {
    const bound: Happening = { type: 'bound', conversationId: 'v1', inviteUrl: null }
    fc.assert(
      fc.property(fc.array(happening), (later) => {
        const ended = after(joining, [bound, { type: 'ended' }])
        expect([admission(ended, 'c1'), reported(ended), conversationOf(ended), replyOf(ended)]).toEqual([
          'ENDED',
          'refused',
          null,
          null,
        ])
        expect(['ended', 'cancelled']).toContain(after(ended, later).state)
      }),
    )
  })

  test('active exactly when it has a conversation, unless it was cancelled afterwards; and bound once at most', () => {
    fc.assert(
      fc.property(fc.array(happening), (all) => {
        const record = after(joining, all)
        if (record.state === 'active') expect(record.conversationId).not.toBeNull()
        if (!['active', 'ended', 'cancelled'].includes(record.state)) expect(record.conversationId).toBeNull()
        expect(record.conversationId).toBe(record.conversationId === null ? null : firstBound(all))
      }),
    )
  })
})

const firstBound = (all: Happening[]) => all.find((each) => each.type === 'bound')?.conversationId

test('what a provision meets', () => {
  expect(admission(null, 'c1')).toBe('new')
  expect(admission(creating, 'c1')).toBe('same')
  expect(admission(creating, 'c2')).toBe('FOREIGN_CLAIM')
  expect(admission(after(joining, [{ type: 'refused' }]), 'c1')).toBe('REFUSED')
  expect(admission(cancelledBefore('c1'), 'c1')).toBe('CANCELLED')
})

test('the answer: none while working, pending without a conversation, active with it', () => {
  expect(replyOf(creating)).toBeNull()
  expect(replyOf(after(joining, [{ type: 'requested' }]))).toMatchObject({
    status: 'pending',
    joined: false,
    conversationId: null,
  })
  const active = after(joining, [{ type: 'bound', conversationId: 'v1', inviteUrl: null }])
  expect(replyOf(active)).toEqual({ ok: true, status: 'active', joined: true, conversationId: 'v1', inviteUrl: joining.joinUrl })
})

test('outside, cancelled is called refused, and no claim none', () => {
  expect(reported(null)).toBe('none')
  expect(reported(cancelledBefore('c1'))).toBe('refused')
})

test('profiles: only a higher revision counts, absent fields stay, and no model is one', () => {
  const first = applyProfile(creating, { revision: 0, instructions: 'Be brief.' })
  expect(first).toMatchObject({ agentName: 'Ada', instructions: 'Be brief.', profileRevision: 0 })
  expect(first && applyProfile(first, { revision: 0, agentName: 'Bo' })).toBeNull()
  const chosen = applyProfile(creating, { revision: 1, model: 'acme/large' })
  expect(chosen && applyProfile(chosen, { revision: 2, agentName: 'Bo' })).toMatchObject({ model: 'acme/large' })
  expect(chosen && applyProfile(chosen, { revision: 2, model: null })).toMatchObject({ agentName: 'Ada', model: null })
  fc.assert(
    fc.property(fc.array(fc.record({ revision: fc.nat(20), agentName: fc.string({ minLength: 1 }) })), (changes) => {
      const end = changes.reduce((record, change) => applyProfile(record, change) ?? record, creating)
      const highest = Math.max(-1, ...changes.map(({ revision }) => revision))
      expect(end.profileRevision).toBe(highest)
      expect(end.agentName).toBe(changes.find(({ revision }) => revision === highest)?.agentName ?? 'Ada')
    }),
  )
})
