// @ts-check
// A process that holds a live dictionary, and says when its memory came to hold each new value.
import { makeKey } from '../samples.js'
import { loadSuite } from '../suite.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [suiteName = '', address = 'null'] = process.argv.slice(2)
const suite = await loadSuite(suiteName)
const dict = await (await suite.findPlace(JSON.parse(address))).open({ live: true })
const key = makeKey(0)

dict.on('change', () => {
  // Processes of one machine share no monotonic clock that JavaScript can read; the time each of them began on the
  // clock of the machine, and the monotonic time since, differ by less than a tenth of a millisecond.
  const at = performance.timeOrigin + performance.now()
  process.send?.({ limit: dict.local.get(key)?.limit, at })
})

/** The share of a core that this process takes in so many milliseconds, in per cent. @param {number} ms */
async function idle(ms) {
  const began = performance.now()
  const before = process.cpuUsage()
  await new Promise(resolve => setTimeout(resolve, ms))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 10 / (performance.now() - began)
}

process.on('message', async (/** @type {{ idle?: number, end?: boolean }} */ message) => {
  if (message.idle !== undefined) process.send?.({ share: await idle(message.idle) })
  if (message.end) await dict.close().finally(() => process.exit())
})
process.send?.({ ready: true })
