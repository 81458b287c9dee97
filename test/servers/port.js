// @ts-check
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * Ports below those of outgoing connections (Linux from 32768, others from 49152). A client might take one of those
 * before our server listens on it, or while it restarts.
 */
const FROM = 12_000
const TO = 32_768

/** How many test files of one run may be open at once without ever choosing the same port. */
const SHARES = 8
const SHARE = Math.floor((TO - FROM) / SHARES)

/**
 * Where the share of this process begins: the processes of one run have the same parent. Another one might otherwise take the
 * port of a server that is being restarted.
 */
const first = FROM + ((process.ppid + Number(process.env.VITEST_POOL_ID ?? 0)) % SHARES) * SHARE

/** @type {Set<number>} Ports looked at so far: their servers may not listen yet, or be down for a while. */
const given = new Set()

/** A TCP port of 127.0.0.1 that nobody listens on, and that no other call in this process got. */
export async function freePort() {
  for (;;) {
    const port = first + randomInt(SHARE)
    if (given.has(port)) continue
    // Before the first pause: another call may choose the same one meanwhile.
    given.add(port)
    if (await isFree(port)) return port
  }
}

/** Whether a server may listen on it. @param {number} port */
async function isFree(port) {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}

/** Whether a server accepts a connection on that port now. @param {number} port */
export async function accepts(port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
