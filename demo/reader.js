// @ts-check
// A process that holds a live copy of the dictionary, and says what its memory holds and since when.
import { digest } from './digest.js'
import { loadStore } from './stage.js'

// Never without the process that started it.
process.on('disconnect', () => process.exit())

const [name = '', address = ''] = process.argv.slice(2)
const { open } = await loadStore(name)
const dict = await open(address, { live: true })

/** @param {{ key: string }} change */
function reportChange({ key }) {
  // Two processes of one machine compare times as time of origin plus time since: the first is read from the clock that
  // they have in common, the second from one that nobody sets.
  const at = performance.timeOrigin + performance.now()
  process.send?.(['seen', { key, value: dict.local.get(key), at }])
}

dict.on('change', reportChange)
process.on('message', subject => {
  if (subject === 'hush') dict.off('change', reportChange)
  if (subject === 'digest') process.send?.(['digest', digest(dict.local)])
})
process.send?.(['ready', true])
