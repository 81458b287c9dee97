// @ts-check
// npm run torture -- [--store redis|redis-cluster|sentinel|sqlite|postgres|zookeeper|model-…] --minutes N [--seed S]: several processes share a dictionary in a store, while clients,
// servers and what lies between them fail in every way; what they saw is held against what is promised.
import { main } from './main.js'

process.exitCode = await main(process.argv.slice(2))
