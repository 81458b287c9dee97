// @ts-check
/** @import { Control } from '../../controls/control.js' */
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { SqliteFile } from './file.js' */
import { incrementTwice } from '../../controls/common/writes.js'

const RECORD = 'backends/sqlite/record.js'

/** @type {Control['play']} */
const writeTwice = async (_stage, writer) => {
  await writer.do('set', 'key')
  await writer.do('set', 'key')
}

/** A copy is made, the original moves on, and the copy takes its place. @type {Control['play']} */
const restore = async (/** @type {Stage<SqliteFile>} */ stage, writer, reader) => {
  await writer.do('set', 'kept')
  const copy = await stage.server.copy()
  const left = await stage.server.state(copy)
  await writer.do('set', 'lost')
  await reader.do('get', 'lost')
  await stage.strike('restore', () => stage.server.restore(copy), left)
  await writer.do('set', 'other')
  await reader.do('get', 'lost')
}

/** Rules of the backend. @type {readonly Control[]} */
export const controls = [
  {
    rule: 'a transaction commits only if what it read is unchanged',
    changes: [
      {
        file: 'contract/execute-group.js',
        from: 'if (!group.conditions.every(condition => holds(condition, target, version, effects)))',
        to: 'if (false)',
      },
    ],
    sessions: [{}, {}],
    play: incrementTwice,
  },
  {
    rule: 'a write is one transaction of SQLite',
    changes: [
      { file: 'backends/sqlite/transactions.js', from: "connection.exec('BEGIN IMMEDIATE');", to: '' },
      { file: 'backends/sqlite/transactions.js', from: /^ +commit\(connection\);$/m, to: '' },
    ],
    sessions: [{}, {}],
    async play(_stage, writer, reader) {
      for (let round = 0; round < 20; round += 1) {
        await Promise.all([
          writer.do('updatePair', 'pair'),
          reader.do('snapshotPair', 'pair'),
          reader.do('increment', 'count'),
        ])
      }
    },
  },
  {
    rule: 'a checked read asks the file',
    changes: [
      {
        file: 'backends/sqlite/own-file.js',
        from: /return connection\.get\('PRAGMA data_version'\)\?\.data_version;/,
        to: 'return 1;',
      },
    ],
    sessions: [{}, {}],
    async play(_stage, writer, reader) {
      await writer.do('set', 'key')
      await reader.do('get', 'key')
      await writer.do('set', 'key')
      await reader.do('get', 'key')
    },
  },
  {
    rule: 'live memory follows a version that it finds',
    changes: [
      {
        file: 'backends/sqlite/feed.js',
        from: 'this.#faulty || !Object.is(version, sight.version)',
        to: 'this.#faulty',
      },
      // Otherwise the heartbeat repairs it.
      { file: 'replica/live-feed.js', from: /if \(!this\.#refreshing\)\s+void this\.#refresh\(\);/, to: '' },
    ],
    sessions: [{}, { live: true }],
    play: writeTwice,
  },
  {
    rule: 'another file at its path is followed',
    changes: [
      { file: 'backends/sqlite/own-file.js', from: 'if (opened && isSame(file, opened.file))', to: 'if (opened)' },
    ],
    sessions: [{}, {}],
    play: restore,
  },
  {
    rule: 'versions with the same number are distinguished by their nonces',
    changes: [
      {
        file: 'backends/sql/version.js',
        from: "randomBytes(12).toString('hex')",
        to: "randomBytes(12).toString('hex').replace(/./g, '0')",
      },
    ],
    sessions: [{}, {}],
    play: restore,
  },
  {
    rule: 'a commit of the history is not dropped',
    changes: [
      { file: RECORD, from: 'for (const commit of records) {', to: 'for (const commit of records.slice(1)) {' },
    ],
    sessions: [{}],
    play: writeTwice,
  },
  {
    rule: 'a commit of the history is recorded once',
    changes: [
      {
        file: RECORD,
        from: 'insert(log, next, position, at, commit);',
        to: 'insert(log, next, position, at, commit); position += 1; insert(log, next, position, at, commit);',
      },
    ],
    sessions: [{}],
    play: writeTwice,
  },
  {
    rule: 'a commit names its author',
    changes: [{ file: RECORD, from: 'optional(note.by)', to: 'optional(note.reason)' }],
    sessions: [{}],
    play: writeTwice,
  },
  {
    rule: 'a commit keeps what was there before',
    changes: [{ file: RECORD, from: 'part, sideOf(before), sideOf(after)', to: 'part, null, sideOf(after)' }],
    sessions: [{}],
    play: writeTwice,
  },
  {
    rule: 'an edit by another program is noticed',
    changes: [
      {
        file: 'backends/sqlite/edits/edit-objects.js',
        from: "trigger('deleted', 'AFTER DELETE ON durabledict_entries', `",
        to: "trigger('deleted', 'AFTER DELETE ON durabledict_entries', `0 AND ",
      },
    ],
    sessions: [{}, {}],
    async play(stage, writer, reader) {
      await writer.do('set', 'stolen')
      await reader.do('get', 'stolen')
      await stage.steal('stolen')
      await reader.do('get', 'stolen')
    },
  },
]
