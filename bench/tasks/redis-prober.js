// @ts-check
// Sends a PING about every millisecond, and says how long the longest took.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setPriority } from 'node:os'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

try {
  // What it is to see are waits for the server, not for a core.
  setPriority(-20)
} catch {
  // That takes rights which few have.
}

const { hostname, port } = new URL(process.argv[2] ?? '')
const socket = connect(Number(port), hostname)
socket.setNoDelay(true)
await once(socket, 'connect')

let longest = 0
let sentAt = 0

function ping() {
  sentAt = performance.now()
  socket.write('PING\r\n')
}

socket.on('data', () => {
  longest = Math.max(longest, performance.now() - sentAt)
  sentAt = 0
  setTimeout(ping, 1)
})
ping()

process.on('message', subject => {
  if (subject === 'reset') longest = 0
  // With the one that is still under way.
  const now = Math.max(longest, sentAt === 0 ? 0 : performance.now() - sentAt)
  process.send?.(now * 1e6)
})
process.send?.('ready')
