import { faultsOf } from './faults.js'
import { MEMCACHED } from './subjects.js'

for (const subject of MEMCACHED) faultsOf(subject)
