import { InTurn } from '../../../queues/in-turn.js'
import { clearTimeout, delay as pause, setTimeout } from '../../../time/clock.js'
import { within } from '../../../time/within.js'
import { warn } from '../../../warnings/warnings.js'
import { inOwnContext } from '../own-context.js'

type OnNotification = (message: { readonly channel: string; readonly payload?: string | undefined }) => void

/** A connection of `pg`, as far as it is needed to listen. */
export interface ListeningClient {
  query(sql: string): Promise<unknown>
  on(event: 'notification', listener: OnNotification): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  off(event: 'notification', listener: OnNotification): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'end', listener: () => void): unknown
  listenerCount?(event: 'error'): number
  end?(): Promise<unknown>
  ref?(): void
  unref?(): void
  /** Of a pool's client. */
  release?(destroy: boolean): void
}

/**
 * The connection to listen on. Pass a connected client of `pg` that nothing else blocks; it stays open when the dictionary is closed.
 * Or pass a function that returns a new client, called again after each lost connection; these clients are ended.
 */
export type ListenOption = ListeningClient | (() => Promise<ListeningClient>)

/** What one dictionary wants of a connection. */
export interface Subscription {
  readonly listen: ListenOption
  readonly channel: string
  /** In ms. */
  readonly timeout: number
  readonly dictionary: string
  changed(payload: string): void
  interrupted(cause: unknown): void
}

/** Pauses before a lost connection is made again, in ms: doubled each time, jittered. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5_000

/** The connections in use, by what they are shared by. */
const connections = new WeakMap<object, ListeningConnection>()

/**
 * One connection that listens for all dictionaries of a database. It has one listener for each event of the client, and one statement
 * under way at a time. A connection that a function has made is asked for a sign of life, and made again when it is lost.
 */
export class ListeningConnection {
  readonly #key: object
  readonly #subscriptions = new Set<Subscription>()
  readonly #turns = new InTurn()
  #client: ListeningClient | undefined
  /** What the client listens to. */
  #channels = new Set<string>()
  #connecting: Promise<ListeningClient> | undefined
  #restarting: AbortController | undefined
  #beat: ReturnType<typeof setTimeout> | undefined

  private constructor(key: object) {
    this.#key = key
  }

  /** The one of a client, or of the database to which a function connects. */
  static of(listen: ListenOption, database: object | undefined): ListeningConnection {
    const key = typeof listen === 'function' ? (database ?? listen) : listen
    const connection = connections.get(key) ?? new ListeningConnection(key)
    connections.set(key, connection)
    return connection
  }

  /** Resolves when the server notifies of what happens from then on. */
  async join(subscription: Subscription): Promise<void> {
    this.#subscriptions.add(subscription)
    // Two instances for one key would be two connections.
    connections.set(this.#key, this)
    try {
      await this.#listen(await this.#connected(subscription), subscription.channel)
      if (!this.#subscriptions.has(subscription)) throw new Error('It was closed meanwhile.')
    } catch (error) {
      await this.leave(subscription)
      throw error
    }
  }

  async leave(subscription: Subscription): Promise<void> {
    if (!this.#subscriptions.delete(subscription)) return
    const { channel } = subscription
    const client = this.#client
    if (this.#subscriptions.size > 0) {
      if (client && !this.#wants(channel)) await this.#unlisten(client, channel)
      return
    }
    this.#restarting?.abort()
    // One that is being made is ended when it comes.
    if (client) await this.#letGo(client, isOwn(subscription.listen))
  }

  #wants(channel: string): boolean {
    return [...this.#subscriptions].some(one => one.channel === channel)
  }

  #connected(subscription: Subscription): Promise<ListeningClient> {
    if (this.#client) return Promise.resolve(this.#client)
    this.#connecting ??= this.#connect(subscription).finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect({ listen, timeout, dictionary }: Subscription): Promise<ListeningClient> {
    const client = await connected(listen, timeout)
    if (this.#subscriptions.size === 0) {
      if (isOwn(listen)) void end(client)
      throw new Error('It was closed meanwhile.')
    }
    if (!isOwn(listen)) warnOfErrors(client, dictionary)
    client.on('notification', this.#onNotification)
    client.on('error', this.#onError)
    client.on('end', this.#onEnd)
    this.#client = client
    this.#channels = new Set()
    if (isOwn(listen)) this.#watch(client)
    return client
  }

  #listen(client: ListeningClient, channel: string): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#client !== client) throw new Error('The connection that listens was lost, or closed, meanwhile.')
      if (this.#channels.has(channel)) return
      await this.#awaited(client, `LISTEN ${channel}`)
      this.#channels.add(channel)
    })
  }

  #unlisten(client: ListeningClient, channel: string): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#wants(channel) || !this.#channels.delete(channel)) return
      // A client that has failed listens to nothing anyway.
      await this.#awaited(client, `UNLISTEN ${channel}`).catch(() => {})
    })
  }

  /** Runs a statement that a call waits for. A connection of our own keeps the process alive meanwhile, and not while it only listens. */
  async #awaited(client: ListeningClient, sql: string): Promise<void> {
    const own = [...this.#subscriptions].every(one => isOwn(one.listen))
    if (own) client.ref?.()
    try {
      await client.query(sql)
    } finally {
      if (own) client.unref?.()
    }
  }

  /** Lets go of the client. What was made for this alone ends with it. */
  async #letGo(client: ListeningClient, own: boolean): Promise<void> {
    const channels = [...this.#channels]
    this.#forget(client)
    if (own) await end(client)
    else for (const channel of channels) await client.query(`UNLISTEN ${channel}`).catch(() => {})
    client.off('error', this.#onError)
  }

  #forget(client: ListeningClient): void {
    clearTimeout(this.#beat)
    this.#client = undefined
    this.#channels = new Set()
    client.off('notification', this.#onNotification)
    client.off('end', this.#onEnd)
  }

  readonly #onNotification: OnNotification = ({ channel, payload = '' }) => {
    for (const one of this.#subscriptions) if (one.channel === channel) one.changed(payload)
  }

  readonly #onError = (error: Error): void => this.#lost(error)

  readonly #onEnd = (): void => this.#lost(new Error('The connection that listens has ended.'))

  #lost(cause: unknown): void {
    const client = this.#client
    if (!client) return
    this.#interrupt(cause)
    const [first] = this.#subscriptions
    // Keeps the application's own client, in case it recovers.
    if (!first || !isOwn(first.listen)) return
    this.#forget(client)
    void end(client)
    // If it is lost during a reconnect, the same reconnect tries again.
    if (this.#restarting) return
    const restarting = new AbortController()
    this.#restarting = restarting
    void this.#restart(cause, restarting.signal).finally(() => {
      this.#restarting = undefined
    })
  }

  #interrupt(cause: unknown): void {
    for (const one of this.#subscriptions) one.interrupted(cause)
  }

  async #restart(cause: unknown, signal: AbortSignal): Promise<void> {
    for (let longest = FIRST_PAUSE; ; longest = Math.min(longest * 2, LONGEST_PAUSE)) {
      await pause(longest * (0.5 + Math.random() / 2), undefined, { ref: false, signal }).catch(() => {})
      const [first] = this.#subscriptions
      if (signal.aborted || !first) return
      try {
        const client = await this.#connected(first)
        for (const { channel } of this.#subscriptions) await this.#listen(client, channel)
        // Nobody was notified of what happened meanwhile.
        this.#interrupt(cause)
        return
      } catch {
        if (this.#client) await this.#letGo(this.#client, true)
      }
    }
  }

  /** Asks for a sign of life now and then: a network that has gone silent says nothing by itself. */
  #watch(client: ListeningClient): void {
    const timeout = Math.min(...[...this.#subscriptions].map(one => one.timeout))
    this.#beat = setTimeout(async () => {
      try {
        await this.#turns.run(() => within(timeout, () => client.query('SELECT 1')))
        if (this.#client === client) this.#watch(client)
      } catch (error) {
        if (this.#client === client) this.#lost(error)
      }
    }, timeout)
    this.#beat.unref()
  }
}

function isOwn(listen: ListenOption): listen is () => Promise<ListeningClient> {
  return typeof listen === 'function'
}

/** A connection that comes too late is ended. */
async function connected(listen: ListenOption, timeout: number): Promise<ListeningClient> {
  if (!isOwn(listen)) return listen
  const made = inOwnContext(async () => listen())
  try {
    return await within(timeout, () => made)
  } catch (error) {
    made.then(end, () => {})
    throw error
  }
}

/** A client that has failed may fail to end as well. */
async function end(client: ListeningClient): Promise<void> {
  client.ref?.()
  try {
    if (client.release) client.release(true)
    else await client.end?.()
  } catch {}
}

/** Clients that were looked at. */
const looked = new WeakSet<ListeningClient>()

function warnOfErrors(client: ListeningClient, dictionary: string): void {
  if (looked.has(client)) return
  looked.add(client)
  if (client.listenerCount?.('error') !== 0) return
  warn(
    'DURABLEDICT_NO_ERROR_LISTENER',
    `The client in option "listen" of dictionary "${dictionary}" has no listener for 'error', without which a lost connection ends the ` +
      "process: client.on('error', error => …).",
    { source: dictionary },
  )
}
