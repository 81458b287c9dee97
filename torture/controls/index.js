// @ts-check
import { commits } from './commits.js'
import { fleet } from './fleet.js'
import { histories } from './histories.js'
import { pushes } from './pushes.js'
import { reads } from './reads.js'
import { writes } from './writes.js'

/** Every rule that can be broken, and whether that is detected. */
export const CONTROLS = [...pushes, ...reads, ...writes, ...histories, ...commits, ...fleet]
