// @ts-check
// npm run demo: what the dictionary is for, in a few seconds, on a clone with nothing installed. The store is one SQLite
// file; another is chosen by its name, with its address where it needs one: npm run demo -- --redis <url>, --postgres [url]
import { main } from './main.js'

process.exitCode = await main(process.argv.slice(2))
