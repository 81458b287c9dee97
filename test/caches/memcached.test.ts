import { onServer } from './on-server.js'
import { MEMCACHED } from './subjects.js'

for (const subject of MEMCACHED) onServer(subject)
