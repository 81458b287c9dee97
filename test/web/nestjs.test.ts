import { battery } from './battery.js'
import { onNestExpress, onNestFastify } from './frameworks/nestjs.js'

battery(onNestExpress)
battery(onNestFastify)
