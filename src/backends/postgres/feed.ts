import type { Change, Listener, Unsubscribe } from '../../contract/backend.js'
import { builtin } from '../../process/builtin.js'
import { clearTimeout, setTimeout } from '../../time/clock.js'
import { within } from '../../time/within.js'
import { warn } from '../../warnings/warnings.js'
import type { PostgresClient } from './clients/client.js'
import { acknowledgementsOf, beginningsOf, channelOf } from './names.js'
import { readPushed } from './pushed.js'
import type { Stored } from './stored-form.js'

export interface FeedOptions {
  readonly client: PostgresClient
  /** The dictionary's name, and the one that the tables have. */
  readonly dictionary: string
  readonly stored: string
  readonly schemaName: string
  /** In ms. */
  readonly timeout: number
  readonly pollEvery: number
  /** Matches what the database's text cannot contain. */
  readonly unsafe: RegExp
}

/** The longest that a notification may take when it is tested, in ms, and which part of the time limit: opening needs the rest. */
const LONGEST_TEST = 2_000
const TEST_PART = 0.25

/**
 * Notifies of changes, by LISTEN on a connection of its own. The name of the channel is a secret of those who may read the dictionary's
 * head, because small changes are in the notifications themselves. Another channel says that the dictionary was created again. Whether notifications arrive is tested once: a pooler that passes each
 * transaction to another connection loses them silently. Then, or if the connection cannot be made, it polls.
 */
export class Feed {
  readonly #options: FeedOptions
  readonly #listeners = new Set<Listener<Stored>>()
  #epoch: string | undefined
  #started: Promise<void> | undefined
  #isListening = false
  #leave: (() => Promise<void>) | undefined
  #leaveBeginnings: (() => Promise<void>) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  readonly #wakers = new Set<() => void>()
  #listensToAcknowledgements: Promise<(() => Promise<void>) | undefined> | undefined

  /** @param epoch - that of the dictionary's history, if it has one. */
  constructor(options: FeedOptions, epoch: string | undefined) {
    this.#options = options
    this.#epoch = epoch
  }

  async subscribe(listener: Listener<Stored>): Promise<Unsubscribe> {
    this.#started ??= this.#start()
    await this.#started
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#listeners.clear()
    clearTimeout(this.#timer)
    await this.#started
    await (await this.#listensToAcknowledgements)?.().catch(() => {})
    await this.#leave?.().catch(() => {})
    await this.#leaveBeginnings?.().catch(() => {})
  }

  /** Another history has another channel. */
  follow(epoch: string): void {
    if (epoch === this.#epoch || this.#isClosed) return
    this.#epoch = epoch
    this.#started = this.#started?.then(() => this.#move(epoch))
  }

  /** Calls back for each notification of an acknowledgement, from about now on, until the returned function is called. */
  wake(waker: () => void): () => void {
    if (this.#isListening && !this.#isClosed) this.#listensToAcknowledgements ??= this.#listenToAcknowledgements()
    this.#wakers.add(waker)
    return () => void this.#wakers.delete(waker)
  }

  /** It stays: who writes to all once does so again. Those who wait poll as well. */
  async #listenToAcknowledgements(): Promise<(() => Promise<void>) | undefined> {
    const { client, dictionary, stored, schemaName, timeout } = this.#options
    const wake = () => {
      for (const waker of this.#wakers) waker()
    }
    const listener = { notified: wake, interrupted: wake }
    const channel = acknowledgementsOf(stored, schemaName)
    return client.listen(channel, listener, { dictionary, timeout }).catch(() => undefined)
  }

  async #start(): Promise<void> {
    try {
      await this.#test()
      this.#leaveBeginnings = await this.#listen(beginningsOf(this.#options.stored), () => this.#changed())
      this.#isListening = true
      if (this.#epoch !== undefined) await this.#listenTo(this.#epoch)
    } catch (error) {
      await this.#pollInstead(error)
    }
  }

  async #move(epoch: string): Promise<void> {
    if (!this.#isListening || this.#isClosed || epoch !== this.#epoch) return
    const leave = this.#leave
    try {
      await this.#listenTo(epoch)
    } catch (error) {
      await this.#pollInstead(error)
    }
    await leave?.().catch(() => {})
    // Nobody was notified of what happened meanwhile.
    this.#changed()
  }

  async #listenTo(epoch: string): Promise<void> {
    const { stored, unsafe } = this.#options
    const notified = (payload: string) => this.#changed(readPushed(payload, epoch, unsafe))
    this.#leave = await this.#listen(channelOf(stored, epoch), notified)
  }

  async #pollInstead(error: unknown): Promise<void> {
    this.#isListening = false
    await this.#leaveBeginnings?.().catch(() => {})
    if (this.#isClosed) return
    this.#warn(error)
    this.#poll()
  }

  #listen(channel: string, notified: (payload: string) => void): Promise<() => Promise<void>> {
    const { client, dictionary, timeout } = this.#options
    const interrupted = (cause: unknown) => {
      for (const one of this.#listeners) one.interrupted(cause)
    }
    return within(timeout, () => client.listen(channel, { notified, interrupted }, { dictionary, timeout }))
  }

  /** @throws Error if a notification of our own does not arrive. */
  async #test(): Promise<void> {
    const { client, dictionary, timeout } = this.#options
    const channel = `durabledict_test_${builtin.crypto.randomBytes(8).toString('hex')}`
    let arrived = () => {}
    const arrival = new Promise<void>(resolve => {
      arrived = resolve
    })
    const leave = await client.listen(
      channel,
      { notified: () => arrived(), interrupted: () => {} },
      { dictionary, timeout },
    )
    try {
      await client.run({ text: `SELECT pg_notify('${channel}', '')::text` }, undefined, timeout)
      const late = () => new Error('A notification that was sent as a test did not arrive.')
      await within(Math.min(timeout * TEST_PART, LONGEST_TEST), () => arrival, undefined, late)
    } finally {
      await leave().catch(() => {})
    }
  }

  #changed(change?: Change<Stored>): void {
    for (const listener of this.#listeners) listener.changed(change)
  }

  #poll(): void {
    this.#timer = setTimeout(() => {
      if (this.#isClosed) return
      this.#changed()
      this.#poll()
    }, this.#options.pollEvery)
    this.#timer.unref()
  }

  #warn(error: unknown): void {
    const { dictionary, pollEvery } = this.#options
    warn(
      'DURABLEDICT_NO_NOTIFICATIONS',
      `Dictionary "${dictionary}" gets no notifications from PostgreSQL, so it polls every ${pollEvery} ms. PgBouncer in transaction mode ` +
        'and standby servers pass none: let the connection reach the primary server directly.',
      { source: dictionary, detail: error instanceof Error ? error.message : String(error) },
    )
  }
}
