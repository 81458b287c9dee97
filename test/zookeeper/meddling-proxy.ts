import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createClient } from 'node-zookeeper-client'

/** A proxy between a client and a ZooKeeper server that knows their session and alters what the server sends. */
export interface MeddlingProxy {
  readonly address: string
  /** Alters the server's next output, other than the answer to a ping, once; if `cut` is set, nothing more arrives on that connection. */
  meddle(alter: (answer: Buffer) => Buffer, cut?: boolean): void
  /** The same for the response to the next write, and nothing that comes before it. */
  meddleWithWrite(alter: (answer: Buffer) => Buffer, cut?: boolean): void
  /** Holds back the server's output from now on, on the existing connection. */
  hold(): void
  /** How many pieces are held back. */
  readonly held: number
  /** Releases what was held back, the last piece first, and the rest in order. */
  releaseLastFirst(): void
  /** The number of connections so far. */
  readonly connections: number
  /** How often something was altered. */
  readonly meddled: number
  /** Closes the session from another connection, as if it had expired. */
  expire(): Promise<void>
  close(): void
}

/** The id and the password of a session, in the server's first record. */
interface Session {
  readonly sessionId: Buffer
  readonly sessionPassword: Buffer
}

/** The type of a request that writes. */
const TRANSACTION = 14

/** The first two numbers of each record: of a request, its number and its type; of a response, the number of its request. */
function headersOf(data: Buffer): [number, number][] {
  const headers: [number, number][] = []
  for (let at = 0; at + 12 <= data.length; at += 4 + Math.max(0, data.readInt32BE(at)))
    headers.push([data.readInt32BE(at + 4), data.readInt32BE(at + 8)])
  return headers
}

/** Whether these are answers to pings, which come at any time, and nothing else. */
const isPing = (answer: Buffer) => headersOf(answer).every(([number]) => number === -2)

/** @param pause - how long it waits after each piece of the server's output, in ms. */
export async function startMeddlingProxy(port: number, pause = 0): Promise<MeddlingProxy> {
  const sockets = new Set<Socket>()
  let session: Session | undefined
  let order: { alter: (answer: Buffer) => Buffer; cut: boolean; isDue(answer: Buffer): boolean } | undefined
  /** The numbers of the writes since the last order. */
  const writes = new Set<number>()
  const answersWrite = (answer: Buffer) => headersOf(answer).some(([number]) => writes.has(number))
  let meddled = 0
  let connections = 0
  let held: { answer: Buffer; client: Socket }[] | undefined
  const pass = (answer: Buffer, client: Socket) => {
    if (held) return void held.push({ answer, client })
    if (!order?.isDue(answer)) return void client.write(answer)
    const { alter, cut } = order
    order = undefined
    meddled += 1
    if (cut) client.end(alter(answer))
    else client.write(alter(answer))
  }
  const server = createServer({ noDelay: true }, client => {
    connections += 1
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket)
          for (const other of [client, upstream]) other.destroy()
        })
    }
    client.on('data', data => {
      for (const [number, type] of headersOf(data)) if (type === TRANSACTION) writes.add(number)
      upstream.write(data)
    })
    upstream.once('data', greeting => {
      session = { sessionId: greeting.subarray(12, 20), sessionPassword: greeting.subarray(24, 40) }
      client.write(greeting)
      upstream.on('data', answer => {
        pass(answer, client)
        if (pause === 0) return
        upstream.pause()
        setTimeout(() => upstream.resume(), pause)
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    meddle(alter, cut = false) {
      order = { alter, cut, isDue: answer => !isPing(answer) }
    },
    meddleWithWrite(alter, cut = false) {
      writes.clear()
      order = { alter, cut, isDue: answersWrite }
    },
    hold() {
      held = []
    },
    get held() {
      return held?.length ?? 0
    },
    releaseLastFirst() {
      const [last, ...rest] = [held?.at(-1), ...(held ?? []).slice(0, -1)]
      held = undefined
      for (const one of [last, ...rest]) one?.client.write(one.answer)
    },
    get connections() {
      return connections
    },
    get meddled() {
      return meddled
    },
    async expire() {
      const other = createClient(`127.0.0.1:${port}`, session as never)
      other.connect()
      await once(other, 'connected')
      other.close()
      await once(other, 'disconnected')
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
