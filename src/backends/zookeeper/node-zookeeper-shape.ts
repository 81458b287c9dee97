/** The methods of a node-zookeeper-client transaction that are used. */
export interface ClientTransaction {
  // biome-ignore lint/suspicious/noExplicitAny: data, access control list and mode, in any order
  create(path: string, ...rest: any[]): unknown
  setData(path: string, data: Buffer | null, version?: number): unknown
  check(path: string, version?: number): unknown
  remove(path: string, version?: number): unknown
  // biome-ignore lint/suspicious/noExplicitAny: the client declares its results as any
  commit(callback: (error: any, results: any) => void): void
}

/** The methods of a node-zookeeper-client that are used. */
export interface ZookeeperClient {
  readonly options?: { readonly sessionTimeout?: number }
  connect(): void
  getState(): { readonly name: string }
  getSessionTimeout(): number
  // biome-ignore lint/suspicious/noExplicitAny: an optional watcher, then the callback
  exists(path: string, ...rest: any[]): void
  // biome-ignore lint/suspicious/noExplicitAny: as above
  getData(path: string, ...rest: any[]): void
  // biome-ignore lint/suspicious/noExplicitAny: as above
  getChildren(path: string, ...rest: any[]): void
  transaction(): ClientTransaction
  // biome-ignore lint/suspicious/noExplicitAny: the arguments of a listener depend on the event
  on(event: string, listener: (...args: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  removeListener(event: string, listener: (...args: any[]) => void): unknown
}

/**
 * The client's internal connection manager, which is not part of its declared types: nothing else gives access to a
 * silent server's connection.
 */
export interface Manager {
  readonly state: number
  readonly socket?: { readonly bytesRead: number; destroy(): void }
  /** The beginning of an incomplete record. */
  pendingBuffer?: unknown
  readonly servers: readonly { readonly host: string; readonly port: number | string }[]
  readonly chrootPath?: string
  readonly credentials: readonly { readonly scheme: string; readonly auth: Buffer }[]
  readonly zxid: Buffer
}

const METHODS = ['connect', 'getState', 'getSessionTimeout', 'exists', 'getData', 'getChildren', 'transaction', 'on']

/** @throws TypeError if it is not a client of node-zookeeper-client. */
export function checkClient(client: unknown): ZookeeperClient {
  const given = (typeof client === 'object' && client !== null ? client : {}) as Record<string, unknown>
  const manager = given.connectionManager as Partial<Manager> | undefined
  const fits = METHODS.every(method => typeof given[method] === 'function') && typeof manager?.state === 'number'
  if (fits) return client as ZookeeperClient
  throw new TypeError(
    'ZookeeperDict.open() takes a path, then a client of node-zookeeper-client (createClient), or a connection string ' +
      'such as a:2181,b:2181.',
  )
}

/** @throws TypeError unless the access control list contains the client's own objects: others break its connection. */
export function checkClientAcl(acl: readonly unknown[] | undefined): void {
  const isOwn = (entry: unknown) => typeof (entry as { toRecord?: unknown }).toRecord === 'function'
  if (acl?.every(isOwn) ?? true) return
  throw new TypeError(
    'With a client of node-zookeeper-client, option "acl" must be a list of objects of its class ACL.',
  )
}
