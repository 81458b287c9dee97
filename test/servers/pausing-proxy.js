// @ts-check
/** @import { AddressInfo, Socket } from 'node:net' */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** How often to retry a server that does not listen yet, in ms. */
const AGAIN = 20

/**
 * A proxy that delays everything between two processes on request: nothing is lost, only late.
 * @param {number} port of the server
 * @param {boolean} [patient] whether to wait for a server that does not listen yet, so that clients here are not
 * refused
 */
export async function startPausingProxy(port, patient = false) {
  /** Including those that wait for the server. @type {Set<Socket>} */
  const clients = new Set()
  /** @type {Set<Socket>} */
  const linked = new Set()
  /** Those that stay silent for good. @type {WeakSet<Socket>} */
  const frozen = new WeakSet()
  let [paused, closed] = [false, false]
  /** The server once it listens, or nothing if it does not and the proxy does not wait. @param {Socket} client */
  const reach = async client => {
    while (!client.destroyed && !closed) {
      const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
      upstream.on('error', () => {})
      if (await once(upstream, 'connect').catch(() => {})) return upstream
      if (!patient) return undefined
      await delay(AGAIN, undefined, { ref: false })
    }
    return undefined
  }
  /** @param {Socket} socket @param {Socket} other */
  const link = (socket, other) => {
    linked.add(socket)
    socket.on('data', data => other.write(data))
    socket.on('close', () => {
      linked.delete(socket)
      other.destroy()
    })
    paused ? socket.pause() : socket.resume()
  }
  const server = createServer({ noDelay: true, pauseOnConnect: true }, async client => {
    clients.add(client)
    client.on('error', () => {}).on('close', () => clients.delete(client))
    const upstream = await reach(client)
    if (!upstream) return void client.destroy()
    link(client, upstream)
    link(upstream, client)
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return {
    port: /** @type {AddressInfo} */ (server.address()).port,
    /** The number of its open connections. */
    connections: () => linked.size / 2,
    /** @param {boolean} on */
    pause(on) {
      paused = on
      for (const socket of linked) on || frozen.has(socket) ? socket.pause() : socket.resume()
    },
    /** The open connections stay open and silent for good; new ones work. */
    freeze() {
      for (const socket of linked) {
        frozen.add(socket)
        socket.pause()
      }
    },
    close() {
      closed = true
      server.close()
      for (const socket of [...clients, ...linked]) socket.destroy()
    },
  }
}
