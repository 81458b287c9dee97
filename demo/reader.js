// @ts-check
// A process that holds a live copy of the dictionary, and says what its memory holds and since when.
import { digest } from './digest.js'
import { loadStore } from './stage.js'

// It exits with the process that started it.
process.on('disconnect', () => process.exit())

const [name = '', address = ''] = process.argv.slice(2)
const { open } = await loadStore(name)
const dict = await open(address, { live: true })

/** @param {{ key: string }} change */
function reportChange({ key }) {
  // Processes on one machine compare times as their time of origin plus the time since. The first comes from the clock
  // that they share, the second from a monotonic clock.
  const at = performance.timeOrigin + performance.now()
  process.send?.(['seen', { key, value: dict.local.get(key), at }])
}

dict.on('change', reportChange)
process.on('message', subject => {
  if (subject === 'hush') dict.off('change', reportChange)
  if (subject === 'digest') process.send?.(['digest', digest(dict.local)])
})
process.send?.(['ready', true])
