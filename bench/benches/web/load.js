// @ts-check
import { once } from 'node:events'
import { connect } from 'node:net'
import { start } from '../../in-process.js'

/** @typedef {import('node:net').Socket} Socket */

const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

const server = new URL('../../tasks/web-server.js', import.meta.url)

/**
 * A server in its own process, and connections that each send their next requests when all responses have arrived. They
 * parse nothing, since all responses have one length: the server is the bottleneck.
 */
export class Load {
  #child
  /** How many requests a connection sends at once. */
  #pipelined
  /** @type {Socket[]} */
  #sockets = []
  /** The length of a response. */
  #length = 0

  /** @param {import('node:child_process').ChildProcess} child @param {number} pipelined */
  constructor(child, pipelined) {
    this.#child = child
    this.#pipelined = pipelined
  }

  /**
   * @param {object} site as the task expects it @param {number} connections @param {number} [pipelined] concurrent
   * requests of each
   */
  static async start(site, connections, pipelined = 1) {
    const child = start(server, [JSON.stringify(site)])
    const load = new Load(child, pipelined)
    const [port] = await once(child, 'message')
    for (let count = 0; count < connections; count += 1) {
      const socket = connect(port, '127.0.0.1').setNoDelay(true)
      await once(socket, 'connect')
      load.#sockets.push(socket)
    }
    await load.#measure()
    return load
  }

  /** The length of the response to a first request, once nothing more arrives. */
  async #measure() {
    const [socket] = /** @type {[Socket]} */ (this.#sockets)
    socket.write(REQUEST)
    const [answer] = await once(socket, 'data')
    if (!/^HTTP\/1\.1 200 .*"label":"Setting number 1"\}$/s.test(answer.toString())) throw new Error(answer.toString())
    this.#length = answer.length
  }

  /** Sends at least so many requests over all connections, and waits for their responses. @param {number} requests */
  async send(requests) {
    let left = requests
    const several = REQUEST.repeat(this.#pipelined)
    const through = (/** @type {Socket} */ socket) =>
      new Promise((resolve, reject) => {
        let missing = 0
        const onClose = () => reject(new Error('The server closed a connection.'))
        // Its listener is gone.
        if (socket.destroyed) return onClose()
        const next = () => {
          if (left <= 0) {
            socket.off('data', onData).off('close', onClose)
            return resolve(undefined)
          }
          left -= this.#pipelined
          missing = this.#length * this.#pipelined
          socket.write(several)
        }
        const onData = (/** @type {Buffer} */ chunk) => {
          missing -= chunk.length
          if (missing < 0) reject(new Error('An answer was longer than expected.'))
          else if (missing === 0) next()
        }
        socket.on('data', onData).on('close', onClose)
        next()
      })
    await Promise.all(this.#sockets.map(through))
  }

  /**
   * How many checks the server has made so far, and the processor time it has used, in ns.
   * @returns {Promise<{ checks: number, cpu: number }>}
   */
  async usage() {
    this.#child.send('usage')
    return (await once(this.#child, 'message'))[0]
  }

  /** The server's processor time per request, over so many requests, in ns. @param {number} requests */
  async cost(requests) {
    const before = await this.usage()
    await this.send(requests)
    return ((await this.usage()).cpu - before.cpu) / requests
  }

  stop() {
    for (const socket of this.#sockets) socket.destroy()
    this.#child.kill()
  }
}
