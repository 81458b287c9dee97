import type {
  Backend,
  Batch,
  CatchUp,
  Committed,
  Listener,
  Operation,
  State,
  Unsubscribe,
  Version,
} from '../../contract/backend.js'
import { Caller } from './caller.js'
import { Connection } from './connection.js'
import { keysOf } from './names.js'
import { Nonces, newId } from './nonces.js'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

/** A dictionary in Redis 7 or Valkey, with every capability. Its protocol is in `scripts/`, beginning with prelude.lua. */
export class RedisBackend implements Backend {
  readonly name: string
  readonly holds = 'text'
  readonly #connection: Connection
  readonly #channel: string
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #owned: boolean
  readonly #closing = new AbortController()
  /** A version to write from, for the methods that do not name one. */
  #head: string | undefined

  /** @param owned - whether the client is ended with the backend. */
  constructor(client: unknown, name: string, owned = false) {
    const keys = keysOf(name)
    this.#connection = Connection.of(client)
    this.name = name
    this.#owned = owned
    const { driver } = this.#connection
    this.#channel = driver.channelPrefix + keys.meta
    const caller = new Caller(driver, keys)
    this.#reader = new Reader(caller, name, new Nonces())
    this.#writer = new Writer(caller, name)
  }

  async persist(key: string, stored: string): Promise<void> {
    await this.#run({ type: 'set', key, stored })
  }

  async depersist(key: string): Promise<boolean> {
    return (await this.#run({ type: 'delete', key })) as boolean
  }

  async pop(key: string): Promise<string | undefined> {
    return (await this.#run({ type: 'pop', key })) as string | undefined
  }

  async setDefault(key: string, stored: string): Promise<string> {
    return (await this.#run({ type: 'setDefault', key, stored })) as string
  }

  async durables(): Promise<Iterable<readonly [string, string]>> {
    return (await this.load(() => {})).entries
  }

  lastUpdated(): Promise<Version> {
    return this.#reader.head()
  }

  load(progress: () => void): Promise<State> {
    return this.#reader.load(progress)
  }

  changesSince(since: Version): Promise<CatchUp> {
    return this.#reader.pull(String(since))
  }

  commit(batch: Batch, since: Version, givenUp: AbortSignal): Promise<Committed> {
    return this.#writer.commit(batch, String(since), givenUp)
  }

  recordBound(ms: number): Promise<void> {
    return this.#reader.recordBound(ms)
  }

  subscribe(listener: Listener): Promise<Unsubscribe> {
    const { subscriptions } = this.#connection
    return this.#reader.explained(() => subscriptions.add(this.#channel, listener, this.#closing.signal))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#connection.release()
    if (this.#owned) await this.#connection.driver.end()
  }

  async #run(operation: Operation): Promise<unknown> {
    this.#head ??= await this.#reader.head()
    const batch = { id: newId(), groups: [{ conditions: [], operations: [operation] }] }
    const { outcomes, catchUp } = await this.#writer.commit(batch, this.#head, this.#closing.signal)
    this.#head = catchUp.type === 'tooOld' ? undefined : String(catchUp.version)
    const [outcome] = outcomes
    if (outcome?.status === 'refused') throw outcome.error
    return outcome?.status === 'done' ? outcome.results[0] : undefined
  }
}
