// @ts-check
/** @import { Control } from '../../controls/control.js' */
import { MODEL_CONTROLS, networkControls, withoutLock } from '../../databases/model-controls.js'

/** @type {readonly Control[]} */
export const controls = [
  ...MODEL_CONTROLS,
  // A packet of the type COM_QUERY.
  ...networkControls('\x03commit'),
  withoutLock('backends/sql/dialects/mysql.js', 'sql: locking(head, ms)', 'sql: head'),
]
