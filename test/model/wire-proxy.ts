import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy between `pg` and PostgreSQL that cuts a connection when it commits. */
export interface WireProxy {
  readonly url: string
  readonly cuts: number
  /** Cuts the next COMMIT: before the server receives it, or after it was executed and before its response is forwarded. */
  cut(when: 'before' | 'after', then?: 'lets others through' | 'stays away'): void
  close(): void
}

/** The message of the client, and the server's response; both query protocols end their text in the same way. */
const COMMIT = Buffer.from('commit\0')
const COMMITTED = Buffer.from('COMMIT\0')

export async function startWireProxy(port: number): Promise<WireProxy> {
  const sockets = new Set<Socket>()
  let order: { readonly when: 'before' | 'after'; readonly then: string } | undefined
  let cuts = 0
  let away = false
  const server = createServer(client => {
    if (away) return void client.on('error', () => {}).resetAndDestroy()
    const upstream = connect(port, '127.0.0.1')
    let awaited = false
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
      if (order && data.includes(COMMIT)) {
        if (order.when === 'before') return cut()
        awaited = true
      }
      upstream.write(data)
    })
    upstream.on('data', data => (awaited && data.includes(COMMITTED) ? cut() : void client.write(data)))
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
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
