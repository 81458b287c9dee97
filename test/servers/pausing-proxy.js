// @ts-check
/** @import { AddressInfo, Socket } from 'node:net' */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * Stands between two processes, and holds up all that they say to each other when told to: nothing is lost, it comes later.
 * @param {number} port where it leads
 */
export async function startPausingProxy(port) {
  /** @type {Set<Socket>} */
  const sockets = new Set()
  let paused = false
  const server = createServer({ noDelay: true }, client => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(/** @type {Socket} */ (socket))
      if (paused) socket?.pause()
      socket?.on('data', data => other?.write(data))
      socket?.on('error', () => {})
      socket?.on('close', () => {
        sockets.delete(socket)
        other?.destroy()
      })
      if (paused) socket?.pause()
    }
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return {
    port: /** @type {AddressInfo} */ (server.address()).port,
    /** How many connections lead through it. */
    connections: () => sockets.size / 2,
    /** @param {boolean} on */
    pause(on) {
      paused = on
      for (const socket of sockets) on ? socket.pause() : socket.resume()
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
