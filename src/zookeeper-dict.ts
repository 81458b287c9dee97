import type { ZookeeperAcl } from './backends/zookeeper/acl.js'
import { connect, opener } from './backends/zookeeper/connect.js'
import { checkPath } from './backends/zookeeper/names.js'
import type { ZookeeperClient } from './backends/zookeeper/node-zookeeper-shape.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import type { Open } from './dictionary/open.js'
import { type CommonOptions, checkOptions } from './dictionary/options.js'

/**
 * A dictionary in a ZooKeeper ensemble: a znode for each key.
 *
 * Writes are linearizable. Checked reads cost no round trip while the session is healthy, since a watch tells of changes: by
 * default they are sequentially consistent, with read-your-writes; with `barrier: true` they are linearizable.
 */
export type ZookeeperDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

/** What a `ZookeeperDict` takes beside the options of every dictionary. */
export interface ZookeeperOptions {
  /**
   * The access control list of every znode that is created. Default: open to everyone (`world:anyone`, all rights). With a
   * client of node-zookeeper-client: of its own class `ACL`.
   */
  acl?: readonly ZookeeperAcl[]
  /**
   * Whether a barrier comes before each check: a transaction that changes nothing, ordered by the leader like any write, at
   * its price. Default `false`. With it, checked reads are linearizable; `sync()` and dictionaries with `maxStaleness` always
   * have it.
   */
  barrier?: boolean
  /**
   * The session timeout to ask for, in milliseconds; the ensemble may give another one. For connection strings only. Default
   * 10,000; at least 1.
   */
  sessionTimeout?: number
}

type OpenZookeeperDict = Open<[path: string, client: ZookeeperClient | string], ZookeeperOptions>

interface ZookeeperDictKind extends Kind<OpenZookeeperDict> {
  /**
   * Opens the dictionary at that path, and creates what is missing of it.
   *
   * @param path - of the znode below which the keys are, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected where it was not, and left open at the end; or a
   * connection string such as `a:2181,b:2181`, for a session of the dictionary's own.
   */
  readonly open: OpenZookeeperDict
}

export const ZookeeperDict: ZookeeperDictKind = kindOf<OpenZookeeperDict>(
  'ZookeeperDict',
  async (path: string, client: ZookeeperClient | string, options: CommonOptions & ZookeeperOptions = {}) => {
    checkPath(path)
    const { acl, barrier = false, sessionTimeout, ...common } = options
    checkOwn(barrier, sessionTimeout)
    // Before a session is opened for nothing.
    const { timeout, signal } = checkOptions(common)
    const open = opener(client, { acl, sessionTimeout })
    signal?.throwIfAborted()
    return DurableDict.open(await connect(path, open, barrier, timeout, signal), common)
  },
  { first: 'the path', second: 'a client or a connection string', isSecond: text => !text.startsWith('/') },
)

function checkOwn(barrier: unknown, sessionTimeout: unknown): void {
  if (typeof barrier !== 'boolean') throw new TypeError('Option "barrier" must be a boolean.')
  if (sessionTimeout === undefined) return
  if (typeof sessionTimeout === 'number' && sessionTimeout >= 1 && sessionTimeout < 2 ** 31) return
  throw new TypeError('Option "sessionTimeout" must be a number of milliseconds from 1.')
}
