import type { ZookeeperClient } from './node-zookeeper-shape.js'

type StateListener = (state: { readonly name: string }) => void

/** One watcher of the client, for all dictionaries that watch the same znode. */
class Fan {
  readonly listeners = new Set<() => void>()
  readonly notify = () => {
    for (const listener of [...this.listeners]) listener()
  }
}

const hubs = new WeakMap<ZookeeperClient, ClientHub>()

/**
 * What the dictionaries on one client share. Node.js warns of more than ten listeners on one emitter: the client gets one for
 * its state, and one watcher for each znode, however many dictionaries there are.
 */
export class ClientHub {
  readonly #client: ZookeeperClient
  readonly #members = new Set<StateListener>()
  readonly #fans = new Map<string, Fan>()

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

  /** @param watchers - given to {@link watcher} before. */
  leave(listener: StateListener, watchers: readonly (() => void)[]): void {
    this.#members.delete(listener)
    if (this.#members.size === 0) this.#client.removeListener('state', this.#onState)
    for (const fan of this.#fans.values()) for (const watcher of watchers) fan.listeners.delete(watcher)
  }

  /**
   * What the client is to call when a znode changes. It is the same for all dictionaries, since the client adds it once only;
   * one that has not set its watch again yet may be notified as well.
   */
  watcher(kind: 'data' | 'children', path: string, listener: () => void): () => void {
    const name = `${kind} ${path}`
    const fan = this.#fans.get(name) ?? new Fan()
    this.#fans.set(name, fan)
    fan.listeners.add(listener)
    return fan.notify
  }

  readonly #onState: StateListener = state => {
    for (const listener of [...this.#members]) listener(state)
  }
}
