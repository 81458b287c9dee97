// @ts-check
/** @import { Socket } from 'node:net' */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** @typedef {'toServer' | 'toClient'} Direction */

/** The traffic in one direction of one connection: forwarded, delayed, held back, or dropped. */
class Pipe {
  /** @type {'pass' | 'hold' | 'swallow'} */
  mode = 'pass'
  delay = 0
  /** @type {Buffer[]} */
  #held = []
  #onHeld = () => {}
  /** What to send, and when: in this order, whatever the timers do. @type {{ due: number, send: () => void }[]} */
  #queue = []
  #to

  /** @param {Socket} to */
  constructor(to) {
    this.#to = to
  }

  /** @param {Buffer} chunk */
  write(chunk) {
    if (this.mode === 'swallow') return
    if (this.mode === 'hold') this.#hold(chunk)
    else this.#inOrder(() => this.#to.write(chunk))
  }

  end() {
    if (this.mode === 'pass') this.#inOrder(() => this.#to.end())
  }

  /** Resolves when it holds something. @returns {Promise<void>} */
  hold() {
    this.mode = 'hold'
    return new Promise(resolve => {
      this.#onHeld = resolve
    })
  }

  release() {
    if (this.mode !== 'hold') return
    this.mode = 'pass'
    for (const chunk of this.#held.splice(0)) this.write(chunk)
  }

  /** Returns how to deliver what it holds now, and nothing that comes later. */
  part() {
    const count = this.#held.length
    return () => {
      for (const chunk of this.#held.splice(0, count)) this.#inOrder(() => this.#to.write(chunk))
    }
  }

  /** @param {Buffer} chunk */
  #hold(chunk) {
    this.#held.push(chunk)
    this.#onHeld()
  }

  /** @param {() => void} send */
  #inOrder(send) {
    const now = performance.now()
    if (this.delay === 0 && this.#queue.length === 0) return send()
    this.#queue.push({ due: now + this.delay, send })
    if (this.#queue.length === 1) this.#wait(this.delay)
  }

  /** @param {number} ms */
  #wait(ms) {
    setTimeout(() => {
      const now = performance.now()
      while (this.#queue[0] && this.#queue[0].due <= now) {
        const { send } = this.#queue[0]
        if (!this.#to.destroyed) send()
        this.#queue.shift()
      }
      if (this.#queue[0]) this.#wait(this.#queue[0].due - now)
    }, ms)
  }
}

/** @param {Socket} socket */
const closed = socket => new Promise(resolve => socket.once('close', resolve))

/**
 * Resets the connection (RST). Node.js never closes a socket that is reset while it ends, and a process with such a socket does not
 * exit, but uses all of a processor. @param {Socket} socket
 */
function reset(socket) {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

/** One connection through the proxy. */
export class Link {
  /** Resolves when both sides are gone. */
  gone
  #client
  #server
  #toServer
  #toClient

  /** @param {Socket} client @param {Socket} server @param {(answer: Buffer) => Buffer} translate */
  constructor(client, server, translate) {
    this.#client = client
    this.#server = server
    this.#toServer = new Pipe(server)
    this.#toClient = new Pipe(client)
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', () => {})
    client.on('data', chunk => this.#toServer.write(chunk)).on('end', () => this.#toServer.end())
    server.on('data', chunk => this.#toClient.write(translate(chunk))).on('end', () => this.#toClient.end())
    client.on('close', () => this.#orphaned || server.destroy())
    server.on('close', failed => (failed ? reset(client) : client.destroy()))
    this.gone = Promise.all([closed(client), closed(server)])
  }

  #orphaned = false

  /** Resets the connection (RST) on both sides. */
  cut() {
    reset(this.#client)
    reset(this.#server)
  }

  /** @param {number} ms @param {readonly Direction[]} [directions] */
  delay(ms, directions) {
    for (const pipe of this.#pipes(directions)) pipe.delay = ms
  }

  /** Drops everything from now on; such a connection can only be cut. @param {readonly Direction[]} [directions] */
  swallow(directions) {
    for (const pipe of this.#pipes(directions)) pipe.mode = 'swallow'
    this.damaged = true
  }

  damaged = false

  /** Drops one direction from when the client sends this text. Resolves then. @param {string} text @param {Direction} direction */
  swallowFrom(text, direction) {
    return new Promise(resolve => {
      this.#client.prependListener('data', chunk => {
        if (!chunk.includes(text)) return
        this.swallow([direction])
        resolve(undefined)
      })
    })
  }

  /** Holds back what the client sends. Resolves when that is something. */
  hold() {
    return this.#toServer.hold()
  }

  /** Holds back what the server sends. Resolves when that is something. */
  holdAnswers() {
    return this.#toClient.hold()
  }

  /** Returns how to deliver the answers that it holds back now, and none that come later. */
  answersSoFar() {
    return this.#toClient.part()
  }

  /** The client loses the connection while what it sent is still in transit. */
  orphan() {
    this.#orphaned = true
    this.#toClient.mode = 'swallow'
    reset(this.#client)
  }

  /** Delivers what was held back; the connection of an orphan ends a little later. */
  release() {
    this.#toServer.release()
    this.#toClient.release()
    if (this.#orphaned) setTimeout(() => this.#server.destroy(), 500)
  }

  /** @param {readonly Direction[]} [directions] */
  #pipes(directions = ['toServer', 'toClient']) {
    return directions.map(direction => (direction === 'toServer' ? this.#toServer : this.#toClient))
  }
}

/** A TCP proxy on 127.0.0.1 that damages the traffic on request. */
export class FaultProxy {
  /** Connections so far. */
  accepted = 0
  /** What clients get of an answer. @type {(answer: Buffer) => Buffer} */
  translate = answer => answer
  /** @type {Set<Link>} */
  #links = new Set()
  /** Accepted while the other side was unreachable. @type {Set<Socket>} */
  #swallowed = new Set()
  #target
  #refusals = 0
  #halfOpen = false
  #delay = 0
  #server = createServer({ pauseOnConnect: true }, socket => this.#accept(socket))

  /** @param {number} target */
  constructor(target) {
    this.#target = target
  }

  /** @param {number} target the server's port on 127.0.0.1 */
  static async open(target) {
    const proxy = new FaultProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port() {
    return /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port
  }

  get links() {
    return [...this.#links]
  }

  /** Forwards new connections elsewhere. @param {number} target */
  retarget(target) {
    this.#target = target
  }

  /** Resets present and new connections until they are allowed the same number of times. @param {boolean} on */
  refuse(on) {
    this.#refusals += on ? 1 : -1
    if (on) this.cut()
  }

  cut() {
    for (const link of this.#links) link.cut()
    for (const socket of this.#swallowed) reset(socket)
  }

  /** Delays everything by so much, in each direction. @param {number} ms */
  delay(ms) {
    this.#delay = ms
    for (const link of this.#links) link.delay(ms)
  }

  /** Holds back the server's answers until `release`. Resolves when there is one: the server has then executed the request. */
  async holdAnswers() {
    await Promise.race(this.links.map(link => link.holdAnswers()))
  }

  release() {
    for (const link of this.#links) link.release()
  }

  /** Connections stay, but nothing is forwarded; new ones are accepted, but get no response. */
  halfOpen() {
    this.#halfOpen = true
    for (const link of this.#links) link.swallow()
  }

  /** Everything works again; connections that lost data are cut, since they cannot be repaired. */
  heal() {
    this.#halfOpen = false
    this.delay(0)
    for (const link of this.#links) if (link.damaged) link.cut()
    for (const socket of this.#swallowed) reset(socket)
  }

  async close() {
    this.refuse(true)
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** @param {Socket} client */
  #accept(client) {
    client.on('error', () => {})
    if (this.#refusals > 0) return reset(client)
    this.accepted += 1
    if (this.#halfOpen) return this.#swallow(client)
    const server = connect(this.#target, '127.0.0.1')
    const link = new Link(client, server, this.translate)
    link.delay(this.#delay)
    this.#links.add(link)
    link.gone.then(() => this.#links.delete(link))
    client.resume()
  }

  /** @param {Socket} client */
  #swallow(client) {
    this.#swallowed.add(client.resume())
    client.on('close', () => this.#swallowed.delete(client))
  }
}
