// @ts-check
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { Control } from '../../controls/control.js' */
/** @import { ApplicationFile } from '../../databases/sqlite/file.js' */
import { MODEL_CONTROLS } from '../../databases/model-controls.js'

/** Longer than the time limit of a call, in ms. */
const LOCKED = 1_300

/** @type {readonly Control[]} */
export const controls = [
  ...MODEL_CONTROLS,
  {
    rule: 'a statement that met a lock is ended',
    changes: [
      {
        file: 'backends/model/open-model.js',
        from: "model.dialect === 'sqlite' ? finishingStatements(limited) : limited",
        to: 'limited',
      },
    ],
    sessions: [{}, {}],
    async play(/** @type {Stage<ApplicationFile>} */ stage, writer, reader) {
      await writer.do('set', 'key')
      await reader.do('get', 'key')
      await Promise.all([stage.server.lock('BEGIN IMMEDIATE', LOCKED), reader.do('set', 'other')])
      for (let round = 0; round < 3; round += 1) {
        await writer.do('set', 'key')
        await reader.do('get', 'key')
      }
    },
  },
]
