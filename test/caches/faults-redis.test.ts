import { faultsOf } from './faults.js'
import { REDIS } from './subjects.js'

// One of each library: a pool or an older version handles a lost connection in the same way.
const ONE_OF_EACH = ['Redis through node-redis', 'Redis through ioredis']

for (const subject of REDIS.filter(({ name }) => ONE_OF_EACH.includes(name))) faultsOf(subject)
