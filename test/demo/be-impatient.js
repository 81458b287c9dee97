// @ts-check
import { main } from '../../demo/main.js'

// No change can be seen before it is made.
process.exitCode = await main([], { bound: -1 })
