import { describe, expect, test } from 'vitest'
import type { Batch, Group, Outcome } from '../../../src/contract/backend.js'
import { InvalidValueError } from '../../../src/index.js'
import { GroupCommit, type Limits } from '../../../src/replica/group-commit.js'
import { settle, stateOf } from './gated-backend.js'
import { setting } from './helpers.js'

interface Sent {
  readonly batch: Batch<unknown>
  resolve(outcomes: readonly Outcome[]): void
  reject(error: Error): void
}

function limits(timeout: number, needsTimer = false): Limits {
  const fault = (what: string) => () => new Error(what)
  return { timeout, needsTimer: () => needsTimer, unsent: fault('not sent'), unanswered: fault('not answered') }
}

function held({ timeout, needsTimer } = { timeout: 60_000, needsTimer: false }) {
  const sent: Sent[] = []
  const send = (batch: Batch<unknown>) =>
    new Promise<readonly Outcome[]>((resolve, reject) => void sent.push({ batch, resolve, reject }))
  const commits = new GroupCommit(send, limits(timeout, needsTimer))
  const at = (index: number) => sent[index] as Sent
  const keys = (index: number) =>
    at(index).batch.groups.flatMap(({ operations }) => operations.map(one => ('key' in one ? one.key : '')))
  return { commits, sent, at, keys }
}

const done = (...results: unknown[]): Outcome => ({ status: 'done', results })

function big(size: number): Group<unknown> {
  return {
    conditions: [],
    operations: Array.from({ length: size }, (_, index) => ({ type: 'set', key: `k${index}`, stored: '' }) as const),
  }
}

describe('GroupCommit', () => {
  test('writes of one tick are sent together, in order, and each writer gets its own outcome', async () => {
    const { commits, sent, at, keys } = held()
    const writes = ['a', 'b', 'c'].map(key => commits.submit(setting(key, '')))
    await settle()
    expect(sent).toHaveLength(1)
    expect(keys(0)).toEqual(['a', 'b', 'c'])
    const error = new Error('too large')
    at(0).resolve([done(1), { status: 'conflict' }, { status: 'refused', error }])
    expect(await Promise.all(writes)).toEqual([done(1), { status: 'conflict' }, { status: 'refused', error }])
  })

  test('writes during a batch go into the next one, and batches never share an id', async () => {
    const { commits, sent, at, keys } = held()
    void commits.submit(setting('a', ''))
    await settle()
    void commits.submit(setting('b', ''))
    void commits.submit(setting('c', ''))
    await settle()
    expect(sent).toHaveLength(1)
    at(0).resolve([done()])
    await settle()
    expect(keys(1)).toEqual(['b', 'c'])
    expect(at(1).batch.id).not.toBe(at(0).batch.id)
  })

  test('a failed batch rejects only for its own writers', async () => {
    const { commits, at } = held()
    const first = commits.submit(setting('a', ''))
    await settle()
    const second = commits.submit(setting('b', ''))
    at(0).reject(new Error('lost'))
    await expect(first).rejects.toThrow('lost')
    await settle()
    at(1).resolve([done()])
    await expect(second).resolves.toEqual(done())
  })

  test('a batch has at most 1,000 operations, but a group is never split', async () => {
    const { commits, sent, at } = held()
    for (const size of [600, 400, 1, 5_000, 1]) void commits.submit(big(size))
    await settle()
    const sizes: number[][] = []
    for (let index = 0; index < sent.length; index += 1) {
      sizes.push(at(index).batch.groups.map(({ operations }) => operations.length))
      at(index).resolve(at(index).batch.groups.map(() => done()))
      await settle()
    }
    expect(sizes).toEqual([[600, 400], [1], [5_000], [1]])
  })

  test('drained: sent writes are waited for, and all others reject', async () => {
    const { commits, at } = held()
    const sent = commits.submit(setting('a', ''))
    await settle()
    const unsent = commits.submit(setting('b', ''))
    const draining = commits.drain(new Error('closed'))
    await expect(unsent).rejects.toThrow('closed')
    await expect(commits.submit(setting('c', ''))).rejects.toThrow('closed')
    expect(await stateOf(draining)).toBe('pending')
    at(0).resolve([done()])
    await draining
    await expect(sent).resolves.toEqual(done())
  })

  test('drained in the tick of the first write: it is not sent', async () => {
    const { commits, sent } = held()
    const write = commits.submit(setting('a', ''))
    const draining = commits.drain(new Error('closed'))
    await expect(write).rejects.toThrow('closed')
    await draining
    expect(sent).toHaveLength(0)
  })

  test('a write behind an unanswered batch times out on its own and is never sent', async () => {
    const { commits, sent, at } = held({ timeout: 20, needsTimer: false })
    const first = commits.submit(setting('a', ''))
    await settle()
    await expect(commits.submit(setting('b', ''))).rejects.toThrow('not sent')
    expect(await stateOf(first)).toBe('pending')
    at(0).resolve([done()])
    await first
    await settle()
    expect(sent).toHaveLength(1)
  })

  test('a write that waited and was sent times out on its own, and its batch is still waited for', async () => {
    const { commits, sent, at } = held({ timeout: 300, needsTimer: false })
    const first = commits.submit(setting('a', ''))
    await settle()
    const second = commits.submit(setting('b', ''))
    at(0).resolve([done()])
    await first
    await settle()
    expect(sent).toHaveLength(2)
    await expect(second).rejects.toThrow('not answered')
    const third = commits.submit(setting('c', ''))
    await settle()
    expect(sent).toHaveLength(2)
    at(1).resolve([done()])
    await settle()
    at(2).resolve([done()])
    await expect(third).resolves.toEqual(done())
  })

  test('a group uses a shorter time limit if it has one, or if its batch may take longer', async () => {
    const { commits } = held({ timeout: 60_000, needsTimer: false })
    // On a busy machine, so short a limit may end before the batch is sent.
    const late = /not (sent|answered)/
    await expect(commits.submit(setting('a', ''), 10)).rejects.toThrow(late)
    const stepwise = held({ timeout: 10, needsTimer: true })
    await expect(stepwise.commits.submit(setting('a', ''))).rejects.toThrow(late)
  })

  test('a batch rejected because of one group is sent again in halves until only that group fails', async () => {
    const sent: string[][] = []
    const bad = new InvalidValueError('too large')
    const send = async ({ groups }: Batch<unknown>) => {
      const keys = groups.flatMap(({ operations }) => operations.map(one => ('key' in one ? one.key : '')))
      sent.push(keys)
      if (keys.includes('bad')) throw bad
      return groups.map(() => done())
    }
    const commits = new GroupCommit(send, limits(60_000))
    const keys = ['a', 'b', 'bad', 'c', 'd']
    const outcomes = await Promise.allSettled(keys.map(key => commits.submit(setting(key, ''))))
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(outcomes[2]).toMatchObject({ reason: bad })
    expect(sent).toEqual([keys, ['a', 'b'], ['bad', 'c', 'd'], ['bad'], ['c', 'd']])
  })

  test('a batch that failed for another reason is not sent again, since it may have taken effect', async () => {
    const { commits, sent, at } = held()
    const writes = [commits.submit(setting('a', '')), commits.submit(setting('b', ''))]
    await settle()
    at(0).reject(new Error('lost'))
    for (const write of await Promise.allSettled(writes)) expect(write.status).toBe('rejected')
    expect(sent).toHaveLength(1)
  })
})
