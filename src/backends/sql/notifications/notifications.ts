import type { Listener, Unsubscribe } from '../../../contract/backend.js'
import { ListeningConnection, type ListenOption, type Subscription } from './listening-connection.js'

export interface NotificationsOptions {
  readonly listen: ListenOption
  readonly channel: string
  /** What all dictionaries of one database have in common: they share one connection. Default: the option itself. */
  readonly database: object | undefined
  /** The most that the server may take for an answer, in ms. */
  readonly timeout: number
  /** For warnings. */
  readonly dictionary: string
}

/** Notifies of changes by PostgreSQL's LISTEN. A hint: it says that something changed, and the log says what. */
export class Notifications {
  readonly #connection: ListeningConnection
  readonly #subscription: Subscription
  readonly #listeners = new Set<Listener<never>>()
  #joined: Promise<void> | undefined

  constructor({ listen, channel, database, timeout, dictionary }: NotificationsOptions) {
    this.#connection = ListeningConnection.of(listen, database)
    this.#subscription = {
      listen,
      channel,
      timeout,
      dictionary,
      changed: () => {
        for (const listener of this.#listeners) listener.changed()
      },
      interrupted: cause => {
        for (const listener of this.#listeners) listener.interrupted(cause)
      },
    }
  }

  async subscribe(listener: Listener<never>): Promise<Unsubscribe> {
    this.#joined ??= this.#connection.join(this.#subscription)
    try {
      await this.#joined
    } catch (error) {
      this.#joined = undefined
      throw error
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    await this.#connection.leave(this.#subscription)
  }
}
