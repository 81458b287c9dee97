import { battery } from './battery.js'
import { onHono } from './frameworks/hono.js'

battery(onHono)
