import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The way to a server, which can be shut: connections then end at once, and so do new ones. It keeps its port. */
export class Door {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isOpen = true

  private constructor(target: number) {
    this.#server = createServer(client => {
      if (!this.#isOpen) return void client.on('error', () => {}).destroy()
      const server = connect(target, '127.0.0.1')
      this.#join(client, server)
      this.#join(server, client)
    })
  }

  static async to(port: number): Promise<Door> {
    const door = new Door(port)
    door.#server.listen(0, '127.0.0.1')
    await once(door.#server, 'listening')
    return door
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The same URL, by this way. */
  reroute(url: string): string {
    return Object.assign(new URL(url), { host: `127.0.0.1:${this.port}` }).href
  }

  open(): void {
    this.#isOpen = true
  }

  shut(): void {
    this.#isOpen = false
    for (const socket of this.#sockets) socket.destroy()
  }

  remove(): void {
    this.#server.close()
    this.shut()
  }

  #join(socket: Socket, other: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', data => other.write(data))
    socket.on('close', () => {
      this.#sockets.delete(socket)
      other.destroy()
    })
  }
}
