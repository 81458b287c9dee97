import { once } from 'node:events'
import { promisify } from 'node:util'
import { type Client, createClient } from 'node-zookeeper-client'

/** What an external writer, or an operator with `zkCli`, does to znodes. */
export interface ByHand {
  readonly client: Client
  create(path: string, data?: string | Buffer): Promise<unknown>
  set(path: string, data: string | Buffer): Promise<unknown>
  get(path: string): Promise<string>
  /** How often the znode was written. */
  versionOf(path: string): Promise<number>
  remove(path: string): Promise<unknown>
  /** With its children, at once. */
  removeAll(path: string): Promise<void>
  children(path: string): Promise<string[]>
  end(): void
}

/** Connects to one server. @param user - name and password, for the scheme `digest`. */
export async function byHand(address: string, user?: string): Promise<ByHand> {
  const client = createClient(address, { sessionTimeout: 10_000, spinDelay: 50 })
  if (user !== undefined) client.addAuthInfo('digest', Buffer.from(user))
  const connected = once(client, 'connected')
  client.connect()
  await connected
  const children = promisify((path: string, done: (error: unknown, names: string[]) => void) =>
    client.getChildren(path, done as never),
  )
  /** The znode and all below it, each before those below it. */
  const below = async (path: string): Promise<string[]> => {
    const names = await children(path)
    return [path, ...(await Promise.all(names.map(name => below(`${path}/${name}`)))).flat()]
  }
  return {
    client,
    create: (path, data = '') =>
      new Promise((resolve, reject) => {
        client.create(path, Buffer.from(data), (error, created) => (error ? reject(error) : resolve(created)))
      }),
    set: promisify((path: string, data: string | Buffer, done: (error: unknown) => void) =>
      client.setData(path, Buffer.from(data), done as never),
    ),
    get: promisify((path: string, done: (error: unknown, data: string) => void) =>
      client.getData(path, (error: unknown, data?: Buffer) => done(error, String(data ?? ''))),
    ),
    versionOf: promisify((path: string, done: (error: unknown, version: number) => void) =>
      client.exists(path, (error: unknown, stat?: { version: number }) => done(error, stat?.version ?? -1)),
    ),
    remove: promisify((path: string, done: (error: unknown) => void) => client.remove(path, done)),
    children,
    async removeAll(path) {
      const transaction = client.transaction()
      for (const znode of (await below(path)).reverse()) transaction.remove(znode)
      await promisify(transaction.commit.bind(transaction))()
    },
    end: () => client.close(),
  }
}
