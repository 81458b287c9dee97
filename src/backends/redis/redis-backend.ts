import type {
  Backend,
  Batch,
  CatchUp,
  Committed,
  Group,
  Listener,
  Outcome,
  State,
  Unsubscribe,
  Version,
} from '../../contract/backend.js'
import { CommittingBackend } from '../../contract/committing-backend.js'
import { Caller } from './caller.js'
import { Connection } from './connection.js'
import { keysOf } from './names.js'
import { Nonces, newId } from './nonces.js'
import { Reader } from './reader.js'
import { Writer } from './writer.js'

/** A dictionary in Redis 7 or Valkey, with every capability. Its protocol is in `scripts/`, beginning with prelude.lua. */
export class RedisBackend extends CommittingBackend<string> implements Backend {
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
    super()
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

  protected async commitGroups(groups: readonly Group[]): Promise<readonly Outcome[]> {
    this.#head ??= await this.#reader.head()
    const { outcomes, catchUp } = await this.#writer.commit({ id: newId(), groups }, this.#head, this.#closing.signal)
    this.#head = catchUp.type === 'tooOld' ? undefined : String(catchUp.version)
    return outcomes
  }
}
