// @ts-check
// A process that relies on its memory for up to ten seconds after each check, so that changes can wait for it.
import { SqliteDict } from '../dist/sqlite.js'

const [file = '', service = ''] = process.argv.slice(2)
const dict = await SqliteDict.open('settings', file, { live: true, maxStaleness: 10_000, service })
// Ctrl-C reaches the whole group of processes: the one that started it ends it in order.
process.on('SIGINT', () => {})
process.on('disconnect', () => dict.close().finally(() => process.exit()))
process.send?.('ready')
