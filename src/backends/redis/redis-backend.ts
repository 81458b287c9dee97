import { setMaxListeners } from 'node:events'
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
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../../contract/history.js'
import type { Presence, Registration, Registry as Replicas } from '../../contract/presence.js'
import { AcknowledgementHints } from './acknowledgement-hints.js'
import { Caller } from './caller.js'
import { Connection } from './connection.js'
import { isRefusal } from './faults.js'
import { History } from './history.js'
import { keyspaceChannel } from './keyspace.js'
import { keysOf } from './names.js'
import { Entropy, newId } from './nonces.js'
import { OutsideEdits } from './outside-edits.js'
import type { OwnClient } from './own-client.js'
import { Reader } from './reader.js'
import { Registry } from './registry.js'
import { Seals } from './seals.js'
import { Writer } from './writer.js'

/** The options of a RedisBackend. */
export interface RedisBackendOptions {
  /** Set if the library created the client: the backend closes it. */
  readonly own?: Pick<OwnClient, 'end'> | undefined
  /** How to use messages: as sealed changes, or only as a signal to check. Default `'changes'`. */
  readonly push?: Push | undefined
}

/** See {@link RedisBackendOptions.push}. */
export type Push = 'changes' | 'signal'

/**
 * A dictionary in Redis 7 or Valkey. Supports every capability. The files in `scripts/` document its protocol: start
 * with prelude.lua.
 */
export class RedisBackend extends CommittingBackend<string> implements Backend {
  readonly storeKind = 'redis'
  readonly name: string
  readonly valueKind = 'text'
  readonly #connection: Connection
  readonly #channel: string
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #history: History
  readonly #registry: Registry
  readonly #own: Pick<OwnClient, 'end'> | undefined
  readonly #push: Push
  readonly #seals = new Seals()
  readonly #closing = new AbortController()
  /** The base version for methods that do not name one. */
  #head: string | undefined

  constructor(client: unknown, name: string, { own, push = 'changes' }: RedisBackendOptions = {}) {
    super()
    // Any number of pending calls may listen to it.
    setMaxListeners(0, this.#closing.signal)
    const keys = keysOf(name)
    this.#connection = Connection.of(client, name, own !== undefined)
    this.name = name
    this.#own = own
    this.#push = push
    const { driver } = this.#connection
    this.#channel = driver.channelPrefix + keys.meta
    const caller = new Caller(driver, keys)
    const entropy = new Entropy()
    this.#reader = new Reader(caller, name, entropy, this.#seals)
    this.#registry = new Registry(
      this.#reader,
      caller.keys.replicas,
      this.#hintsOn(driver.channelPrefix + keys.replicas),
    )
    this.#writer = new Writer(caller, this.#reader, name, entropy, this.#seals)
    this.#history = new History(this.#reader, caller.keys.history, name)
  }

  restrictToReads(): void {
    this.#reader.restrictToReads()
    this.#history.restrictToReads()
    this.#registry.restrictToReads()
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

  async commit(batch: Batch, since: Version, signal: AbortSignal): Promise<Committed> {
    const answer = await this.#writer.commit(batch, String(since), signal)
    return 'registry' in answer ? { ...answer, registry: this.#registry.read(answer.registry) } : (answer as Committed)
  }

  registerMaxStaleness(ms: number): Promise<void> {
    return this.#reader.registerMaxStaleness(ms)
  }

  register(presence: Presence, ttl: number): Promise<Registration> {
    return this.#registry.register(presence, ttl)
  }

  leave(id: string): Promise<void> {
    return this.#registry.leave(id)
  }

  replicas(): Promise<Replicas> {
    return this.#registry.replicas()
  }

  acknowledge(id: string, version: Version): Promise<void> {
    return this.#registry.acknowledge(id, String(version))
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#registry.awaitAcknowledgements(String(version), ids, acknowledged, signal)
  }

  history(query: HistoryQuery): Promise<HistoryPage> {
    return this.#history.page(query)
  }

  setHistoryPolicy(policy: HistoryPolicy): Promise<void> {
    return this.#history.setPolicy(policy)
  }

  forgetAuthor(by: string): Promise<number> {
    return this.#history.forget(by)
  }

  async subscribe(listener: Listener): Promise<Unsubscribe> {
    const { subscriptions } = this.#connection
    const edits = new OutsideEdits(() => listener.edited?.())
    const own = {
      message: (text: string) => {
        edits.commit(text)
        listener.changed(this.#changeOf(text))
      },
      interrupted: (cause: unknown) => listener.interrupted(cause),
    }
    const unsubscribe = await this.#reader.explained(() => subscriptions.add(this.#channel, own, this.#closing.signal))
    const ignoreEdits = await this.#followEdits(edits)
    return async () => {
      edits.stop()
      await Promise.all([unsubscribe(), ignoreEdits?.()])
    }
  }

  /** Without the right to do this, or on a server that publishes no events, edits by hand are found as if there were none. */
  async #followEdits(edits: OutsideEdits): Promise<Unsubscribe | undefined> {
    const { driver, subscriptions } = this.#connection
    if (!driver.database) return undefined
    const listener = { message: (name: string) => edits.event(name), interrupted: () => {} }
    try {
      const channel = keyspaceChannel(await driver.database(), driver.channelPrefix + keysOf(this.name).entries)
      return await subscriptions.add(channel, listener, this.#closing.signal)
    } catch {
      return undefined
    }
  }

  refuses(error: unknown): boolean {
    return isRefusal(error)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#connection.release()
    this.#own?.end()
  }

  protected async commitGroups(groups: readonly Group[]): Promise<readonly Outcome[]> {
    this.#head ??= await this.#reader.head()
    const { outcomes, catchUp } = await this.#writer.commit({ id: newId(), groups }, this.#head, this.#closing.signal)
    this.#head = catchUp.type === 'tooOld' ? undefined : String(catchUp.version)
    return outcomes
  }

  #hintsOn(channel: string): AcknowledgementHints {
    const { subscriptions } = this.#connection
    return new AcknowledgementHints((...args) => subscriptions.add(channel, ...args), this.#closing.signal)
  }

  #changeOf(text: string) {
    return this.#push === 'signal' || text === '' ? undefined : this.#seals.openMessage(text)
  }
}
