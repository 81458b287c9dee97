// @ts-check
/** @import { AddressInfo, Socket } from 'node:net' */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** How often a server that does not listen yet is tried, in ms. */
const AGAIN = 20

/**
 * Stands between two processes, and holds up all that they say to each other when told to: nothing is lost, it comes later.
 * @param {number} port where it leads
 * @param {boolean} [patient] whether a server that does not listen yet is waited for: whoever connects here cannot be refused
 */
export async function startPausingProxy(port, patient = false) {
  /** Of those that wait for the server, too. @type {Set<Socket>} */
  const clients = new Set()
  /** @type {Set<Socket>} */
  const linked = new Set()
  /** Those that stay silent for good. @type {WeakSet<Socket>} */
  const frozen = new WeakSet()
  let [paused, closed] = [false, false]
  /** The server, once it listens; nothing where it does not and is not waited for. @param {Socket} client */
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
    /** How many connections lead through it. */
    connections: () => linked.size / 2,
    /** @param {boolean} on */
    pause(on) {
      paused = on
      for (const socket of linked) on || frozen.has(socket) ? socket.pause() : socket.resume()
    },
    /** The connections that lead through it now stay open and silent for good; new ones work. */
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
