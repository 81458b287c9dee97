/** What is needed of a transaction of node-zookeeper-client. */
export interface ClientTransaction {
  // biome-ignore lint/suspicious/noExplicitAny: data, access control list and mode, in any order
  create(path: string, ...rest: any[]): unknown
  setData(path: string, data: Buffer | null, version?: number): unknown
  check(path: string, version?: number): unknown
  remove(path: string, version?: number): unknown
  // biome-ignore lint/suspicious/noExplicitAny: its results are typed so
  commit(callback: (error: any, results: any) => void): void
}

/** What is needed of a client of node-zookeeper-client. */
export interface ZookeeperClient {
  readonly options?: { readonly sessionTimeout?: number }
  connect(): void
  getState(): { readonly name: string }
  getSessionTimeout(): number
  // biome-ignore lint/suspicious/noExplicitAny: a watcher or not, then the callback
  exists(path: string, ...rest: any[]): void
  // biome-ignore lint/suspicious/noExplicitAny: as above
  getData(path: string, ...rest: any[]): void
  // biome-ignore lint/suspicious/noExplicitAny: as above
  getChildren(path: string, ...rest: any[]): void
  transaction(): ClientTransaction
  // biome-ignore lint/suspicious/noExplicitAny: what a listener takes depends on the event
  on(event: string, listener: (...args: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  removeListener(event: string, listener: (...args: any[]) => void): unknown
}

/** What lies inside of it, beyond its declared types: there is no other way to a silent server's connection. */
export interface Manager {
  readonly state: number
  readonly socket?: { readonly bytesRead: number; destroy(): void }
  /** The beginning of a record whose end has not come. */
  pendingBuffer?: unknown
  readonly servers: readonly { readonly host: string; readonly port: number | string }[]
  readonly chrootPath?: string
  readonly credentials: readonly { readonly scheme: string; readonly auth: Buffer }[]
  readonly zxid: Buffer
}

const METHODS = ['connect', 'getState', 'getSessionTimeout', 'exists', 'getData', 'getChildren', 'transaction', 'on']

/** @throws TypeError where it is no client of node-zookeeper-client. */
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

/** @throws TypeError unless the access control list is of the client's own objects: others break its connection. */
export function checkClientAcl(acl: readonly unknown[] | undefined): void {
  const isOwn = (entry: unknown) => typeof (entry as { toRecord?: unknown }).toRecord === 'function'
  if (acl?.every(isOwn) ?? true) return
  throw new TypeError(
    'Option "acl" takes objects of node-zookeeper-client\'s own class ACL where a client of it is given.',
  )
}
