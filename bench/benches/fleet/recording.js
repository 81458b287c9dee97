// @ts-check
import { connect, createServer } from 'node:net'

/**
 * What one connection of a client sends: at the beginning, and again and again while nothing changes. Times are in ms since the
 * connection was accepted, or since the recording began.
 * @typedef {{ opening: string, steady: readonly (readonly [at: number, bytes: string])[] }} Sent
 */

/** Forwards connections to a server on this machine, and records what clients send. Bytes are kept as latin1. */
export class Recorder {
  /** @type {{ opening: string, steady: [number, string][] }[]} */
  #connections = []
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set()
  #server
  #since = Number.POSITIVE_INFINITY

  /** @param {number} port of the server */
  constructor(port) {
    this.#server = createServer(client => this.#forward(client, port))
  }

  /** @param {number} port of the server */
  static async to(port) {
    const recorder = new Recorder(port)
    await new Promise(resolve => recorder.#server.listen(0, '127.0.0.1', () => resolve(undefined)))
    return recorder
  }

  get port() {
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port
  }

  /** Records what is sent within so many ms, and what was sent before. @param {number} ms @returns {Promise<readonly Sent[]>} */
  async steady(ms) {
    this.#since = performance.now()
    await new Promise(resolve => setTimeout(resolve, ms))
    this.#since = Number.POSITIVE_INFINITY
    // What they send later is not part of it.
    return this.#connections.map(({ opening, steady }) => ({ opening, steady: [...steady] }))
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** @param {import('node:net').Socket} client @param {number} port */
  #forward(client, port) {
    const upstream = connect(port, '127.0.0.1')
    const sent = { opening: '', steady: /** @type {[number, string][]} */ ([]) }
    this.#connections.push(sent)
    client.on('data', chunk => {
      const now = performance.now()
      if (now < this.#since) sent.opening += chunk.toString('latin1')
      else sent.steady.push([now - this.#since, chunk.toString('latin1')])
    })
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
    }
    client.pipe(upstream).pipe(client)
  }
}
