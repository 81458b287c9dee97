import { type Recognized, recognize } from '../../clients/redis/clients.js'
import { checkSettings } from '../../clients/redis/settings.js'
import type { Driver } from './driver.js'
import { IoredisDriver } from './ioredis.js'
import { IoredisClusterDriver } from './ioredis-cluster.js'
import { NodeRedisDriver } from './node-redis.js'
import { NodeRedisClusterDriver, NodeRedisPoolDriver, NodeRedisSentinelDriver } from './node-redis-others.js'
import { Subscriptions } from './subscriptions.js'

/** What all open dictionaries on one client share. */
export class Connection {
  static readonly #all = new WeakMap<object, Connection>()
  readonly driver: Driver
  readonly subscriptions: Subscriptions
  readonly #client: object
  #users = 0

  private constructor(recognized: Recognized) {
    this.#client = recognized.client
    this.driver = driverOf(recognized)
    this.subscriptions = new Subscriptions(this.driver)
  }

  /**
   * Call `release` once for each call.
   *
   * @param own - whether the library created the client: its settings then need no warning.
   */
  static of(client: unknown, dictionary: string, own: boolean): Connection {
    const recognized = recognize(client, 'RedisDict.open() takes a name, then', ', or a URL redis://… or rediss://…')
    if (!own) checkSettings(recognized, `dictionary "${dictionary}"`)
    const connection = Connection.#all.get(recognized.client) ?? new Connection(recognized)
    Connection.#all.set(recognized.client, connection)
    connection.#users += 1
    return connection
  }

  release(): void {
    this.#users -= 1
    if (this.#users > 0) return
    Connection.#all.delete(this.#client)
    this.driver.detach()
  }
}

function driverOf(recognized: Recognized): Driver {
  switch (recognized.kind) {
    case 'node-redis':
      return new NodeRedisDriver(recognized.client)
    case 'node-redis pool':
      return new NodeRedisPoolDriver(recognized.client)
    case 'node-redis cluster':
      return new NodeRedisClusterDriver(recognized.client)
    case 'node-redis sentinel':
      return new NodeRedisSentinelDriver(recognized.client)
    case 'ioredis':
      return new IoredisDriver(recognized.client)
    case 'ioredis cluster':
      return new IoredisClusterDriver(recognized.client)
  }
}
