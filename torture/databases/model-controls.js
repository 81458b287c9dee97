// @ts-check
/** @import { Control, Player } from '../controls/control.js' */
/** @import { Direction } from '../proxy.js' */
import { incrementTwice, writeTogether } from '../controls/common/writes.js'

const COMMIT = 'backends/model/commits/commit.js'
const COMMITS = 'backends/model/commits/commits.js'
const VERSIONS = 'backends/model/versions/database-versions.js'
const WRITING = 'backends/model/versions/database-writing.js'

const PUSH = 'commits.push({ attribution, effects: count, changes: journal?.changes ?? [] });'

/** Of two keys: a write of one may be one statement. @type {Control['play']} */
const updateTwice = async (_stage, writer) => {
  await writer.do('updatePair', 'pair')
  await writer.do('updatePair', 'pair')
}

/** @type {Control['play']} */
const readAfterWrite = async (_stage, writer, reader) => {
  for (let round = 0; round < 2; round += 1) {
    await writer.do('updatePair', 'pair')
    await reader.do('get', 'pair:left')
  }
}

/** A copy is made, the original moves on, and the copy takes its place. @type {Control['play']} */
const restore = async (stage, writer, reader) => {
  await writer.do('set', 'kept')
  const { copy, left } = await stage.server.copy()
  await writer.do('set', 'lost')
  await reader.do('get', 'lost')
  await stage.strike('restore', () => stage.server.restore(copy), left)
  await writer.do('sync')
  await writer.do('set', 'other')
  await reader.do('get', 'lost')
}

/** Rules of models on every database. @type {readonly Control[]} */
export const MODEL_CONTROLS = [
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
    rule: 'a commit keeps what was there before',
    changes: [
      {
        file: WRITING,
        from: 'keyChange(key, side(before), side(after))',
        to: 'keyChange(key, undefined, side(after))',
      },
    ],
    sessions: [{}],
    play: updateTwice,
  },
  {
    rule: 'a commit is recorded in the history',
    changes: [{ file: WRITING, from: 'if (!history?.isKept)', to: 'if (true)' }],
    sessions: [{}],
    play: updateTwice,
  },
  {
    rule: 'a group is recorded once',
    changes: [{ file: COMMIT, from: PUSH, to: `${PUSH} ${PUSH}` }],
    sessions: [{}],
    play: updateTwice,
  },
  {
    rule: 'a check finds that the version has moved',
    changes: [
      {
        file: VERSIONS,
        from: /if \(head\.version === since\)\s+return \{ type: 'changes', version: head\.version, changes: \[\] \};\s+if \(since === UNFOUNDED\)/,
        to: "if (true) return { type: 'changes', version: since, changes: [] }; if (since === UNFOUNDED)",
      },
    ],
    sessions: [{}, {}],
    play: readAfterWrite,
  },
  {
    rule: 'a change of the log keeps all of its effects',
    changes: [
      { file: WRITING, from: 'serialize(effects, this.largest)', to: 'serialize(effects.slice(1), this.largest)' },
    ],
    sessions: [{}, {}],
    play: readAfterWrite,
  },
  {
    rule: 'versions with the same number are distinguished by their nonces',
    changes: [
      {
        file: 'backends/sql/version.js',
        from: "builtin.crypto.randomBytes(12).toString('hex')",
        to: "'000000000000000000000000'",
      },
    ],
    sessions: [{}, {}],
    play: restore,
  },
]

/** The last statement of a write is sent, and then one direction is lost. @param {Player} unlucky @param {string} text of that statement @param {Direction} direction */
async function lose(unlucky, text, direction) {
  await unlucky.do('set', 'key')
  // Its pool has all its connections.
  await Promise.all(['nothing', 'nil', 'none'].map(key => unlucky.do('get', key)))
  const { links } = unlucky.proxy
  const sent = Promise.race(links.map(link => link.swallowFrom(text, direction)))
  // Of two keys: a write of one may be one statement.
  const written = unlucky.do('updatePair', 'pair')
  await sent
  return { written, links }
}

/** How COMMIT looks on the wire. @param {string} text @returns {readonly Control[]} */
export const networkControls = text => [
  {
    rule: 'a commit without an answer is looked for in the log',
    changes: [{ file: COMMITS, from: 'next !== undefined && (await versions.outcome(next))', to: 'false' }],
    sessions: [{}, {}],
    async play(_stage, unlucky) {
      const { written, links } = await lose(unlucky, text, 'toClient')
      for (const link of links) link.cut()
      await written
    },
  },
  {
    rule: 'a commit is recognized by its nonce',
    changes: [{ file: VERSIONS, from: 'return row && row.nonce === next.nonce', to: 'return row && true' }],
    sessions: [{}, {}],
    async play(_stage, unlucky, other) {
      await other.do('get', 'key')
      const { written, links } = await lose(unlucky, text, 'toServer')
      // It waits for the lock, and gets it first.
      const next = other.do('set', 'other')
      await new Promise(resolve => setTimeout(resolve, 200))
      for (const link of links) link.cut()
      await Promise.all([written, next])
    },
  },
  {
    rule: 'each group of a batch keeps its author',
    changes: [{ file: COMMIT, from: PUSH, to: PUSH.replace('attribution,', 'attribution: groups[0].attribution,') }],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'each group of a batch is a commit',
    changes: [{ file: COMMIT, from: `if (count > 0)`, to: 'if (count > 0 && commits.length === 0)' }],
    sessions: [{}],
    play: writeTogether,
  },
]

/** A write does not lock the head. @param {string} file @param {string | RegExp} from @param {string} to @returns {Control} */
export const withoutLock = (file, from, to) => ({
  rule: 'a commit locks the head of the dictionary',
  changes: [{ file, from, to }],
  sessions: [{}, {}],
  async play(_stage, one, other) {
    await one.do('set', 'key')
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([one, other].map(player => player.do('increment', 'count')))
      await other.do('sync')
    }
  },
})
