import { faultsOf } from './faults.js'
import { REDIS } from './subjects.js'

// What ioredis 5 does with a lost connection, ioredis 6 does.
for (const subject of REDIS.slice(0, 3)) faultsOf(subject)
