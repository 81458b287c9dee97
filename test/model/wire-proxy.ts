import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy between `pg` and PostgreSQL that cuts a connection when it commits. */
export interface WireProxy {
  readonly url: string
  readonly cuts: number
  /** Cuts the next COMMIT, or a statement that is a whole commit: before the server receives it, or after it was executed and before its response is forwarded. */
  cut(when: 'before' | 'after', then?: 'lets others through' | 'stays away'): void
  /** Closes the connections that are open. A server notices when it answers. */
  drop(): void
  close(): void
}

/** The message of the client, and the server's response; both query protocols end their text in the same way. */
const COMMIT = Buffer.from('commit\0')
const COMMITTED = Buffer.from('COMMIT\0')

/** A statement that is a whole commit, which may be prepared under a name, and the server's response. */
const STATEMENT = /(durabledict_\w+)?\0WITH written AS /
/** A call of a function that is a whole commit. */
const CALL = /durabledict_(?:commit|set)_1\(/
const EXECUTED = Buffer.from('SELECT 1\0')

/** Recognizes commits in what clients send. */
class Commits {
  readonly #names = new Set<string>()

  /** What the server answers to a commit; `undefined` if the message is none. */
  answerTo(data: Buffer): Buffer | undefined {
    if (data.includes(COMMIT)) return COMMITTED
    if (CALL.test(data.toString('latin1'))) return EXECUTED
    const [statement, name] = STATEMENT.exec(data.toString('latin1')) ?? []
    if (name !== undefined) this.#names.add(name)
    const isPrepared = [...this.#names].some(known => data.includes(`${known}\0`))
    return statement !== undefined || isPrepared ? EXECUTED : undefined
  }
}

export async function startWireProxy(port: number): Promise<WireProxy> {
  const sockets = new Set<Socket>()
  let order: { readonly when: 'before' | 'after'; readonly then: string } | undefined
  let cuts = 0
  let away = false
  const commits = new Commits()
  const server = createServer(client => {
    if (away) return void client.on('error', () => {}).resetAndDestroy()
    const upstream = connect(port, '127.0.0.1')
    let awaited: Buffer | undefined
    const cut = () => {
      cuts += 1
      away = order?.then === 'stays away'
      order = undefined
      for (const socket of [client, upstream]) socket.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        for (const other of [client, upstream]) other.destroy()
      })
    }
    client.on('data', data => {
      const answer = commits.answerTo(data)
      if (order && answer) {
        if (order.when === 'before') return cut()
        awaited = answer
      }
      upstream.write(data)
    })
    upstream.on('data', data => (awaited && data.includes(awaited) ? cut() : void client.write(data)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `postgres://postgres@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`,
    get cuts() {
      return cuts
    },
    cut(when, then = 'lets others through') {
      order = { when, then }
    },
    drop() {
      for (const socket of sockets) socket.destroy()
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
