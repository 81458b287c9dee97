import { battery } from './battery.js'
import { onExpress } from './frameworks/express.js'

battery(onExpress)
