import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy between clients and servers, like a host name or a load balancer. */
export interface SwitchingProxy {
  readonly url: string
  readonly port: number
  /** New connections lead there; existing ones stay. */
  switchTo(port: number): void
  /** Existing connections become silent without being closed; new ones work. */
  silence(): void
  close(): void
}

export async function startSwitchingProxy(port: number): Promise<SwitchingProxy> {
  const sockets = new Set<Socket>()
  let target = port
  const server = createServer(client => {
    const upstream = connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', data => void (sockets.has(socket) && other.write(data)))
      socket.on('close', () => void (sockets.has(socket) && other.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  const silenced: Socket[] = []
  return {
    url: `redis://127.0.0.1:${own}`,
    port: own,
    switchTo: next => {
      target = next
    },
    silence: () => {
      silenced.push(...sockets)
      sockets.clear()
    },
    close: () => {
      server.close()
      for (const socket of [...silenced, ...sockets]) socket.destroy()
    },
  }
}
