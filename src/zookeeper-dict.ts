import type { ZookeeperAcl } from './backends/zookeeper/acl.js'
import { connect, opener } from './backends/zookeeper/connect.js'
import { checkPath } from './backends/zookeeper/names.js'
import type { ZookeeperClient } from './backends/zookeeper/node-zookeeper-shape.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import {
  type CommonOptions,
  checkOptions,
  type DefaultedBy,
  type DefaultsOf,
  type DefaultsOptions,
  type DictOptions,
  type NamedKeys,
  type OptionsOf,
  type RequiredKeys,
  type SchemaOptions,
  type ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'

/**
 * A dictionary in a ZooKeeper ensemble: a znode for each key.
 *
 * Writes are linearizable. Checked reads cost no round trip while the session is healthy, since a watch tells of changes: by
 * default they are sequentially consistent, with read-your-writes; with `consistency: 'linearizable'` they
 * are linearizable, at the price of a write each.
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
   *
   * @example
   * const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }]
   * await ZookeeperDict.open('/app/settings', 'zookeeper:2181', { acl })
   */
  acl?: readonly ZookeeperAcl[] | undefined
  /**
   * The session timeout to ask for, in milliseconds; the ensemble may give another one. For connection strings only. Default
   * 10,000; at least 1.
   *
   * @example
   * await ZookeeperDict.open('/app/settings', 'zookeeper:2181', { sessionTimeout: 30_000 })
   */
  sessionTimeout?: number | undefined
}

interface OpenZookeeperDict {
  /**
   * Opens the dictionary at that path, and creates what is missing of it. Its schema gives the types, and checks values.
   *
   * @param path - of the znode below which the keys are, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected when it was not, and stays open; or a connection
   * string such as `a:2181,b:2181`, for a session of its own.
   * @param options - with a `schema`: one Standard Schema for every value, or a record of them by key.
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
   * Opens the dictionary at that path, and creates what is missing of it. You name its type, and every key has a default.
   *
   * @param path - of the znode below which the keys are, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected when it was not, and stays open; or a connection
   * string such as `a:2181,b:2181`, for a session of its own.
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
   * Opens the dictionary at that path, and creates what is missing of it. You name its type, and which of its keys have a
   * default: by default all that are not optional.
   *
   * @param path - of the znode below which the keys are, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected when it was not, and stays open; or a connection
   * string such as `a:2181,b:2181`, for a session of its own.
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
   * Opens the dictionary at that path, and creates what is missing of it. Its defaults give the types: `get` never returns
   * `undefined`, and other keys do not compile.
   *
   * @param path - of the znode below which the keys are, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected when it was not, and stays open; or a connection
   * string such as `a:2181,b:2181`, for a session of its own.
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
   * Opens the dictionary at that path, and creates what is missing of it. You name its type, or leave it open: then every
   * string is a key, and values are `unknown`.
   *
   * @param path - of the znode below which the keys are, such as `/app/config`.
   * @param client - a client of node-zookeeper-client, which is connected when it was not, and stays open; or a connection
   * string such as `a:2181,b:2181`, for a session of its own.
   * @param options - the options of every dictionary, and `ZookeeperOptions`.
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
    // Before a session is opened for nothing.
    const { timeout, signal } = checkOptions(common)
    const open = opener(client, { acl, sessionTimeout })
    signal?.throwIfAborted()
    return DurableDict.open(await connect(path, open, timeout, signal), common)
  },
  { first: 'the path', second: 'a client or a connection string', isSecond: text => !text.startsWith('/') },
)

function checkOwn(sessionTimeout: unknown): void {
  if (sessionTimeout === undefined) return
  if (typeof sessionTimeout === 'number' && sessionTimeout >= 1 && sessionTimeout < 2 ** 31) return
  throw new TypeError('Option "sessionTimeout" must be a number of milliseconds from 1.')
}
