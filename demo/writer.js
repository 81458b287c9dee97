// @ts-check
// A process that writes as fast as it can, several writes at a time, and reports each one that was acknowledged before it
// begins another.
import { writeOf } from './orders.js'
import { loadStore } from './stage.js'

const AT_A_TIME = 4

// It exits with the process that started it.
process.on('disconnect', () => process.exit())

const [name = '', address = ''] = process.argv.slice(2)
const { open } = await loadStore(name)
const dict = await open(address)

/** Resolves when the message is in the pipe: it arrives whatever happens to this process. @param {unknown} message */
const report = message => new Promise(resolve => process.send?.(message, resolve))

let begun = 0

async function write() {
  for (;;) {
    begun += 1
    const order = begun
    await dict.update(writeOf(order))
    await report(['acknowledged', order])
  }
}

await report(['ready', true])
await Promise.all(Array.from({ length: AT_A_TIME }, write))
