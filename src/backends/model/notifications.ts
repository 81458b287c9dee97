import type { Listener, Unsubscribe } from '../../contract/backend.js'
import { delay as pause } from '../../time/clock.js'

/** A connection of `pg`, as far as it is needed to listen. */
export interface ListeningClient {
  query(sql: string): Promise<unknown>
  on(event: 'notification', listener: (message: { readonly channel: string }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  off(event: 'notification', listener: (message: { readonly channel: string }) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'end', listener: () => void): unknown
  end?(): Promise<unknown>
  /** Of a pool's client. */
  release?(destroy: boolean): void
}

/**
 * What to listen with: a connected client of `pg`, used for nothing that blocks it, which is left open at the end; or a function
 * that gives a new one, whenever the last was lost, which is ended at the end.
 */
export type ListenOption = ListeningClient | (() => Promise<ListeningClient>)

/** Pauses before a lost connection is made anew, in ms: doubled each time, jittered. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5_000

/** How many listen to each channel of a client: one that leaves must not end it for the others. */
const listening = new WeakMap<ListeningClient, Map<string, number>>()

/** Tells of changes by PostgreSQL's LISTEN. A hint: it says that something changed, and the log says what. */
export class Notifications {
  readonly #option: ListenOption
  readonly #channel: string
  readonly #listeners = new Set<Listener<never>>()
  readonly #closing = new AbortController()
  #client: ListeningClient | undefined
  #starting: Promise<void> | undefined
  /** Whether it has listened once: from then on, what is lost is made anew. */
  #listens = false
  #restarting = false

  constructor(option: ListenOption, channel: string) {
    this.#option = option
    this.#channel = channel
  }

  async subscribe(listener: Listener<never>): Promise<Unsubscribe> {
    this.#starting ??= this.#start()
    try {
      await this.#starting
    } catch (error) {
      this.#starting = undefined
      throw error
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    // One that is being made ends by itself, as soon as it is there.
    await this.#leave()
  }

  async #start(): Promise<void> {
    const client = typeof this.#option === 'function' ? await this.#option() : this.#option
    if (this.#closing.signal.aborted) {
      if (typeof this.#option === 'function') void end(client)
      throw new Error('It was closed meanwhile.')
    }
    client.on('notification', this.#onNotification)
    client.on('error', this.#onError)
    client.on('end', this.#onEnd)
    this.#client = client
    const channels = listening.get(client) ?? new Map<string, number>()
    listening.set(client, channels.set(this.#channel, (channels.get(this.#channel) ?? 0) + 1))
    await client.query(`LISTEN ${this.#channel}`)
    if (this.#client !== client) throw new Error('The connection that listens was lost, or closed, meanwhile.')
    this.#listens = true
  }

  /** Lets go of the client. What it was made for alone ends with it. */
  async #leave(): Promise<void> {
    const client = this.#client
    if (!client) return
    this.#client = undefined
    client.off('notification', this.#onNotification)
    client.off('end', this.#onEnd)
    if (typeof this.#option === 'function') await end(client)
    else await this.#unlisten(client)
    client.off('error', this.#onError)
  }

  async #unlisten(client: ListeningClient): Promise<void> {
    const channels = listening.get(client)
    const left = (channels?.get(this.#channel) ?? 1) - 1
    channels?.set(this.#channel, left)
    // A client that has failed listens to nothing anyway.
    if (left === 0) await client.query(`UNLISTEN ${this.#channel}`).catch(() => {})
  }

  readonly #onNotification = ({ channel }: { readonly channel: string }): void => {
    if (channel === this.#channel) for (const listener of this.#listeners) listener.changed()
  }

  readonly #onError = (error: Error): void => this.#lost(error)

  readonly #onEnd = (): void => this.#lost(new Error('The connection that listens has ended.'))

  #lost(cause: Error): void {
    if (!this.#client || this.#closing.signal.aborted) return
    for (const listener of this.#listeners) listener.interrupted(cause)
    if (typeof this.#option !== 'function') return
    const client = this.#client
    this.#client = undefined
    client.off('notification', this.#onNotification)
    client.off('end', this.#onEnd)
    void end(client)
    // One that is lost before it listens is made anew by whoever was making it.
    if (this.#restarting || !this.#listens) return
    this.#restarting = true
    this.#starting = this.#restart(cause).finally(() => {
      this.#restarting = false
    })
  }

  async #restart(cause: Error): Promise<void> {
    for (let longest = FIRST_PAUSE; !this.#closing.signal.aborted; longest = Math.min(longest * 2, LONGEST_PAUSE)) {
      await pause(longest * (0.5 + Math.random() / 2), undefined, { ref: false, signal: this.#closing.signal }).catch(
        () => {},
      )
      if (this.#closing.signal.aborted) return
      try {
        await this.#start()
        // What was told meanwhile, nobody has heard.
        for (const listener of this.#listeners) listener.interrupted(cause)
        return
      } catch {
        await this.#leave()
      }
    }
  }
}

/** A client that has failed may fail to end as well. */
async function end(client: ListeningClient): Promise<void> {
  try {
    if (client.release) client.release(true)
    else await client.end?.()
  } catch {}
}
