import type { ZookeeperAcl } from './backends/zookeeper/acl.js'
import { connect, opener } from './backends/zookeeper/connect.js'
import { isRefused } from './backends/zookeeper/faults.js'
import { checkPath } from './backends/zookeeper/names.js'
import type { ZookeeperClient } from './backends/zookeeper/node-zookeeper-shape.js'
import { Connectable } from './contract/connectable.js'
import type { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import { openSource } from './dictionary/open-source.js'
import type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'
import { checkOptions } from './dictionary/settings.js'

/**
 * A dictionary in a ZooKeeper ensemble: a znode for each key.
 *
 * Writes are linearizable. Checked reads cost no round trip while the session is healthy, because a watch reports changes. By
 * default they are sequentially consistent with read-your-writes. With `consistency: 'linearizable'` they are linearizable, and
 * each check costs a write.
 */
export type ZookeeperDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

/** Options of a `ZookeeperDict`, besides the common ones. */
export interface ZookeeperOptions {
  /**
   * The access control list of every znode that is created. Default: open to everyone (`world:anyone`, all rights). With a
   * client of node-zookeeper-client, use its class `ACL`.
   *
   * @example
   * const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }]
   * await ZookeeperDict.open('/app/settings', 'zookeeper:2181', { acl })
   */
  acl?: readonly ZookeeperAcl[] | undefined
  /**
   * The session timeout to request, in milliseconds. The ensemble may choose another one. Only for connection strings. Default
   * 10,000; at least 1.
   *
   * @example
   * await ZookeeperDict.open('/app/settings', 'zookeeper:2181', { sessionTimeout: 30_000 })
   */
  sessionTimeout?: number | undefined
}

interface OpenZookeeperDict {
  /**
   * Opens the dictionary at that path, and creates missing znodes. The schema defines the types and validates values.
   *
   * @param path - the path of the znode whose children are the keys, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected if necessary and stays open, or a connection string
   * such as `a:2181,b:2181`, for which the dictionary opens its own session.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
   * @example
   * await ZookeeperDict.open('/app/settings', 'a:2181,b:2181', {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    path: string,
    client: ZookeeperClient | string,
    options: SchemaOptions<S, D> & ZookeeperOptions,
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens the dictionary at that path, and creates missing znodes. You name the type, and every key has a default.
   *
   * @param path - the path of the znode whose children are the keys, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected if necessary and stays open, or a connection string
   * such as `a:2181,b:2181`, for which the dictionary opens its own session.
   * @param options - with `defaults` for every key.
   * @example
   * await ZookeeperDict.open<Settings>('/app/settings', 'a:2181,b:2181', { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    path: string,
    client: ZookeeperClient | string,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>> & ZookeeperOptions,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens the dictionary at that path, and creates missing znodes. You name the type and the keys that have a default (by
   * default all that are not optional).
   *
   * @param path - the path of the znode whose children are the keys, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected if necessary and stays open, or a connection string
   * such as `a:2181,b:2181`, for which the dictionary opens its own session.
   * @param options - with `defaults` for these keys.
   * @example
   * await ZookeeperDict.open<Settings, 'theme'>('/app/settings', 'a:2181,b:2181', { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    path: string,
    client: ZookeeperClient | string,
    options: OptionsOf<NoInfer<T>, NoInfer<K>> & ZookeeperOptions,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens the dictionary at that path, and creates missing znodes. The defaults define the types: `get` never returns
   * `undefined`, and other keys do not compile.
   *
   * @param path - the path of the znode whose children are the keys, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected if necessary and stays open, or a connection string
   * such as `a:2181,b:2181`, for which the dictionary opens its own session.
   * @param options - with `defaults`.
   * @example
   * const settings = await ZookeeperDict.open('/app/settings', 'a:2181,b:2181', { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    path: string,
    client: ZookeeperClient | string,
    options: DefaultsOptions<Values> & ZookeeperOptions,
  ): Promise<DurableDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens the dictionary at that path, and creates missing znodes. You may name the type. Without one, every string is a key,
   * and values are `unknown`.
   *
   * @param path - the path of the znode whose children are the keys, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected if necessary and stays open, or a connection string
   * such as `a:2181,b:2181`, for which the dictionary opens its own session.
   * @param options - the common options and `ZookeeperOptions`.
   * @example
   * await ZookeeperDict.open<Settings>('/app/settings', 'a:2181,b:2181', { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    path: string,
    client: ZookeeperClient | string,
    options?: DictOptions<T, S> & ZookeeperOptions,
  ): Promise<DurableDict<T>>
}

interface ZookeeperDictKind extends Kind<OpenZookeeperDict> {
  readonly open: OpenZookeeperDict
}

export const ZookeeperDict: ZookeeperDictKind = kindOf<OpenZookeeperDict>(
  'ZookeeperDict',
  async (path: string, client: ZookeeperClient | string, options: CommonOptions & ZookeeperOptions = {}) => {
    checkPath(path)
    const { acl, sessionTimeout, ...common } = options
    checkOwn(sessionTimeout)
    // Checked before a session is opened.
    const { timeout, signal } = checkOptions(common)
    const open = opener(client, { acl, sessionTimeout })
    signal?.throwIfAborted()
    const connected = async (ending: AbortSignal | undefined) => ({
      backend: await connect(path, open, timeout, ending),
    })
    const source = new Connectable({ name: path, storeKind: 'zookeeper', connect: connected, refuses: isRefused })
    return openSource(source, common)
  },
  { first: 'the path', second: 'a client or a connection string', isSecond: text => !text.startsWith('/') },
)

function checkOwn(sessionTimeout: unknown): void {
  if (sessionTimeout === undefined) return
  if (typeof sessionTimeout === 'number' && sessionTimeout >= 1 && sessionTimeout < 2 ** 31) return
  throw new TypeError('Option "sessionTimeout" must be a number of milliseconds from 1.')
}
