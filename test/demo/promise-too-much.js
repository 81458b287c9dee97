// @ts-check
import { main } from '../../demo/main.js'

// A write that nobody made, taken as acknowledged.
process.exitCode = await main([], { promised: [1_000_000_000] })
