// @ts-check
// Starts without a store, reads, and ends without close(): nothing may keep the process alive.
import { RedisDict } from 'durabledict'

const [url = '', lastKnown = ''] = process.argv.slice(2)
const dict = await RedisDict.open('settings', url, { lastKnown, timeout: 300, live: true })
console.log(dict.origin, dict.local.get('theme'))
