// @ts-check
import { main } from '../../demo/main.js'

// Counts a write as acknowledged that nobody made.
process.exitCode = await main([], { promised: [1_000_000_000] })
