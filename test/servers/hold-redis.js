// @ts-check
// Starts a Redis, tells its parent which, and holds it for ever: the parent kills this process to see that Redis ends.
import { redis } from './redis.js'
import { startServer } from './start.js'

// Without a listener the channel to the parent would not keep this process running.
process.on('message', () => {})
process.send?.(await startServer(redis))
