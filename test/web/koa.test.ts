import { battery } from './battery.js'
import { onKoa } from './frameworks/koa.js'

battery(onKoa)
