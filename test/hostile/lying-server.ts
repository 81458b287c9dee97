import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Output } from '../../src/backends/zookeeper/client/jute.js'

/** The server's response to a record from a client: bytes, or nothing. */
export type Lie = (record: Buffer, socket: Socket) => Buffer | undefined

/** A fake ZooKeeper server. */
export interface LyingServer {
  readonly address: string
  /** The number of connections so far. */
  readonly connections: number
  close(): void
}

/** @param greet - the response to the first record; `answer` - the response to each later one. */
export async function startLyingServer(greet: Lie, answer: Lie = () => undefined): Promise<LyingServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ noDelay: true }, socket => {
    connections += 1
    sockets.add(socket)
    let lie = greet
    let pending = Buffer.alloc(0)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', data => {
      pending = Buffer.concat([pending, data])
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0)
        const response = lie(pending.subarray(4, end), socket)
        if (response && !socket.destroyed) socket.write(response)
        lie = answer
        pending = pending.subarray(end)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A greeting with a session timeout, in ms. */
export function greeting(timeout: number, password = Buffer.alloc(16, 7)): Buffer {
  return new Output().int(0).int(timeout).long(0x1234n).bytes(password).bool(false).frame()
}

/** A response to a request, by its xid. */
export function reply(record: Buffer, zxid: bigint, code: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = new Output().int(record.readInt32BE(0)).long(zxid).int(code).frame()
  const framed = Buffer.concat([header, body])
  framed.writeInt32BE(framed.length - 4)
  return framed
}
