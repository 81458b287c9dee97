import { onServer } from './on-server.js'
import { REDIS } from './subjects.js'

for (const subject of REDIS) onServer(subject)
