import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy between a client and a server that cuts the connection on request. */
export interface CuttingProxy {
  readonly url: string
  readonly port: number
  /**
   * Cuts the next connection that writes such a text: before the server receives it, or after it has responded, so that
   * only the response is lost. `cuts` counts them.
   *
   * @param first - runs before a response is lost.
   * @param skip - how many of them pass before.
   */
  cut(text: string, when: 'before' | 'after', times?: number, first?: () => Promise<unknown>, skip?: number): void
  readonly cuts: number
  /** Everything written to the server that contains the text. */
  readonly requests: string[]
  close(): void
}

export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  let order: { text: string; when: 'before' | 'after'; times: number; skip: number } | undefined
  let prepare: () => Promise<unknown> = async () => {}
  let cuts = 0
  const due = (text: string) => {
    if (!order || order.times === 0 || !text.includes(order.text)) return false
    if (order.skip === 0) return true
    order.skip -= 1
    return false
  }
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    let lost = false
    const cut = () => {
      cuts += 1
      for (const socket of [client, upstream]) socket.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          for (const other of [client, upstream]) other.destroy()
        })
    }
    client.on('data', data => {
      const text = data.toString()
      if (order && text.includes(order.text)) requests.push(text)
      if (!due(text)) return void upstream.write(data)
      if (order) order.times -= 1
      if (order?.when === 'before') return cut()
      lost = true
      upstream.write(data)
    })
    let cutting = false
    upstream.on('data', data => {
      if (!lost) client.write(data)
      else if (!cutting) void prepare().then(cut)
      cutting = lost
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  return {
    url: `redis://127.0.0.1:${own}`,
    port: own,
    cut: (text, when, times = 1, first = async () => {}, skip = 0) => {
      order = { text, when, times, skip }
      prepare = first
      requests.length = 0
    },
    get cuts() {
      return cuts
    },
    requests,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
