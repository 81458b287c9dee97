// @ts-check
// Plays replicas: each sends over connections of its own what a live client was recorded to send, with ids of its own, at the recorded
// pace and from a random moment on. The plan comes as a message.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

/** @typedef {import('../benches/fleet/recording.js').Sent} Sent */
/** @typedef {{ port: number, replicas: number, period: number, ids: readonly string[], sent: readonly Sent[] }} Plan */

// Never without the process that started it.
process.on('disconnect', () => process.exit())

/** How many replicas open at the same time. */
const AT_ONCE = 20

/** The same bytes, with other ids of the same form. @param {readonly string[]} ids */
function renamed(ids) {
  const names = new Map(
    ids.map(id => [id, id.replace(/[0-9a-f]/g, () => /** @type {string} */ (randomBytes(1).toString('hex')[0]))]),
  )
  return (/** @type {string} */ text) => {
    let own = text
    for (const [id, name] of names) own = own.replaceAll(id, name)
    return own
  }
}

/** @param {Plan} plan @param {Sent} sent @param {(text: string) => string} rename @param {number} phase in ms */
async function play({ port, period }, { opening, steady }, rename, phase) {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  await answered(socket, rename(opening))
  socket.resume()
  for (const [at, text] of steady) {
    const own = rename(text)
    const send = () => socket.write(own, 'latin1')
    setTimeout(
      () => {
        send()
        setInterval(send, period)
      },
      (at + phase) % period,
    )
  }
}

/** Sends this, and waits until the server has executed all of it. @param {import('node:net').Socket} socket @param {string} text */
async function answered(socket, text) {
  const token = randomBytes(12).toString('hex')
  socket.write(`${text}*2\r\n$4\r\nECHO\r\n$${token.length}\r\n${token}\r\n`, 'latin1')
  for (let tail = ''; !tail.includes(token); ) {
    const [chunk] = await once(socket, 'data')
    tail = (tail + chunk.toString('latin1')).slice(-200)
  }
}

/** @param {Plan} plan */
async function playAll(plan) {
  for (let count = 0; count < plan.replicas; count += AT_ONCE) {
    const some = Math.min(AT_ONCE, plan.replicas - count)
    await Promise.all(Array.from({ length: some }, () => playOne(plan)))
  }
}

/** @param {Plan} plan */
async function playOne(plan) {
  const rename = renamed(plan.ids)
  const phase = Math.random() * plan.period
  await Promise.all(plan.sent.map(sent => play(plan, sent, rename, phase)))
}

process.on('message', async message => {
  await playAll(/** @type {Plan} */ (message))
  process.send?.('playing')
})
process.send?.('ready')
