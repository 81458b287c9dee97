import { faultsOf } from './faults.js'
import { REDIS } from './subjects.js'

for (const subject of REDIS) faultsOf(subject)
