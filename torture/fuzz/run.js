// @ts-check
// npm run fuzz -- [--store memory|sqlite|redis|postgres|zookeeper] [--minutes N] [--seed S] [--controls|--damage]: random calls of the
// whole interface on two or three dictionaries over one store are compared with a model.
import { main } from './main.js'

process.exitCode = await main(process.argv.slice(2))
