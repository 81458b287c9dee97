// @ts-check
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { Control } from '../../controls/control.js' */
/** @import { PostgresServer } from '../../databases/postgres/server.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { MODEL_CONTROLS, networkControls, withoutLock } from '../../databases/model-controls.js'

const ONE_STATEMENT = 'backends/model/commits/one-statement.js'

/** Its last write is one statement, whose answer is lost. @type {Control['play']} */
const loseAnswer = async (_stage, unlucky) => {
  await unlucky.do('set', 'key')
  await Promise.all(['nothing', 'nil', 'none'].map(key => unlucky.do('get', key)))
  const { links } = unlucky.proxy
  for (const link of links) link.swallow(['toClient'])
  const written = unlucky.do('set', 'key')
  await pause(150)
  for (const link of links) link.cut()
  await written
}

/** @type {Control['play']} */
const writeTwice = async (_stage, writer) => {
  for (let count = 0; count < 3; count += 1) await writer.do('set', 'key')
}

/** @type {readonly Control[]} */
export const controls = [
  ...MODEL_CONTROLS,
  ...networkControls('commit\0'),
  withoutLock('backends/sql/dialects/postgresql.js', ' FOR UPDATE OF durabledict_model_versions', ''),
  {
    rule: 'a write of one statement without an answer is looked for in the log',
    changes: [{ file: ONE_STATEMENT, from: 'throw new CommitFailed(error, plan);', to: 'return undefined;' }],
    wishes: { triggers: false },
    sessions: [{}, {}],
    play: loseAnswer,
  },
  {
    rule: 'a write of one statement is recorded in the history',
    changes: [{ file: ONE_STATEMENT, from: '[insertNow(row, dialect)]', to: '[]' }],
    wishes: { triggers: false },
    sessions: [{}],
    play: writeTwice,
  },
  {
    rule: 'an announced row is read again',
    changes: [
      {
        file: 'backends/model/commits/touch.js',
        from: 'const found = await rows.find(session, keys);',
        to: 'const found = new Map();',
      },
    ],
    wishes: { triggers: false },
    sessions: [{}, {}],
    async play(/** @type {Stage<PostgresServer>} */ stage, writer, reader) {
      await writer.do('set', 'key')
      await reader.do('get', 'key')
      const { server } = stage
      await stage.lose(
        'an edit without triggers',
        () =>
          stage.withDict(async dict => {
            await server.connected(client => client.query(server.layout.upsert, ['key', '"by others"']))
            await dict.touch('key')
          }),
        ['key'],
      )
      await reader.do('get', 'key')
    },
  },
]
