import { setImmediate } from '../../time/clock.js'
import type { ZookeeperClient } from './node-zookeeper-shape.js'
import type { Reply, Stat } from './transport.js'

type StateListener = (state: { readonly name: string }) => void

/** One watcher of the client, shared by all dictionaries that watch the same znode. */
class SharedWatcher {
  readonly listeners = new Set<() => void>()
  readonly notify = () => {
    for (const listener of [...this.listeners]) listener()
  }
}

const hubs = new WeakMap<ZookeeperClient, ClientHub>()

/**
 * What the dictionaries on one client share. Node.js warns if one emitter has more than ten listeners. The client
 * therefore gets one listener for its state and one watcher for each znode, however many dictionaries there are.
 */
export class ClientHub {
  readonly #client: ZookeeperClient
  readonly #members = new Set<StateListener>()
  /** Those who wait for the next sign of life. */
  readonly #greeting: Reply<Stat>[] = []
  readonly #watchers = new Map<string, SharedWatcher>()

  private constructor(client: ZookeeperClient) {
    this.#client = client
  }

  static of(client: ZookeeperClient): ClientHub {
    const hub = hubs.get(client) ?? new ClientHub(client)
    hubs.set(client, hub)
    return hub
  }

  join(listener: StateListener): void {
    if (this.#members.size === 0) this.#client.on('state', this.#onState)
    this.#members.add(listener)
  }

  /** @param watchers - the listeners that were passed to {@link watcher}. */
  leave(listener: StateListener, watchers: readonly (() => void)[]): void {
    this.#members.delete(listener)
    if (this.#members.size === 0) this.#client.removeListener('state', this.#onState)
    for (const shared of this.#watchers.values()) for (const watcher of watchers) shared.listeners.delete(watcher)
  }

  /**
   * Returns the function that the client calls when a znode changes. All dictionaries share it, because the client
   * adds it only once. A dictionary that has not set its watch again yet may therefore be notified too.
   */
  watcher(kind: 'data' | 'children', path: string, listener: () => void): () => void {
    const name = `${kind} ${path}`
    const shared = this.#watchers.get(name) ?? new SharedWatcher()
    this.#watchers.set(name, shared)
    shared.listeners.add(listener)
    return shared.notify
  }

  /**
   * Sends one request for all dictionaries that ask for a sign of life in the same turn of the event loop. Its answer proves the same to
   * each: events arrive before it, on the same connection.
   *
   * @param send - sends the request.
   */
  greet(send: (answer: Reply<Stat>) => void, reply: Reply<Stat>): void {
    this.#greeting.push(reply)
    if (this.#greeting.length > 1) return
    setImmediate(() => {
      const asking = this.#greeting.splice(0)
      send(fault => {
        for (const one of asking) one(fault)
      })
    })
  }

  readonly #onState: StateListener = state => {
    for (const listener of [...this.#members]) listener(state)
  }
}
