import { battery } from './battery.js'
import { onFastify } from './frameworks/fastify.js'

battery(onFastify)
