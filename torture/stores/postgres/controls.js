// @ts-check
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { Control } from '../../controls/control.js' */
/** @import { PostgresServer } from '../../databases/postgres/server.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { incrementTwice, writeTogether } from '../../controls/common/writes.js'
import { putByHand } from '../../databases/postgres/edits.js'

const COMMIT = 'backends/postgres/scripts/commit.sql'
const CHAIN = 'backends/postgres/scripts/chain.sql'

/** An answer is lost, and the write is sent again. @type {Control['play']} */
const loseAnswer = async (_stage, unlucky, other) => {
  await other?.do('set', 'key')
  // Its pool has all its connections.
  await Promise.all(['nothing', 'nil', 'none'].map(key => unlucky.do('pop', key)))
  const { links } = unlucky.proxy
  for (const link of links) link.swallow(['toClient'])
  const popped = unlucky.do('pop', 'key')
  await pause(100)
  for (const link of links) link.cut()
  await popped
}

/** @param {Stage<PostgresServer>} stage @param {string} key */
const edit = (stage, key) => stage.edit('sql', id => putByHand(stage.server, id, key))

/** An edit by hand, between two checks. @type {Control['play']} */
const editByHand = async (stage, writer, reader) => {
  await writer.do('set', 'key')
  await reader.do('get', 'key')
  await edit(stage, 'key')
  await reader.do('get', 'key')
}

/** @type {readonly Control[]} */
export const controls = [
  {
    rule: 'a batch that is sent again is recognized by its id',
    changes: [{ file: COMMIT, from: 'AND c.batch = id LIMIT 1', to: 'AND false LIMIT 1' }],
    sessions: [{}, {}],
    play: loseAnswer,
  },
  {
    rule: 'a batch that is sent again is recognized in a log that a restore has shortened',
    changes: [
      { file: COMMIT, from: '(c.number > seen_number OR NOT follows)', to: 'c.number > seen_number' },
      { file: COMMIT, from: 'IF NOT follows OR found_all', to: 'IF found_all' },
    ],
    sessions: [{ autosync: false }],
    async play(stage, unlucky) {
      await unlucky.do('set', 'key')
      const { copy, left } = await stage.server.copy()
      for (let count = 0; count < 3; count += 1) await unlucky.do('set', 'lost')
      await stage.strike('restore', () => stage.server.restore(copy), left)
      const { links } = unlucky.proxy
      for (const link of links) link.swallow(['toClient'])
      const popped = unlucky.do('pop', 'key')
      await pause(100)
      for (const link of links) link.cut()
      await popped
    },
  },
  {
    rule: 'a transaction commits only if what it read is unchanged',
    changes: [{ file: COMMIT, from: 'IF NOT holds THEN', to: 'IF false THEN' }],
    sessions: [{}, {}],
    play: incrementTwice,
  },
  {
    rule: 'a commit locks the head of the dictionary',
    changes: [
      {
        file: COMMIT,
        from: /h\.dictionary = dict FOR UPDATE;\s+IF NOT FOUND/,
        to: 'h.dictionary = dict; PERFORM pg_sleep(0.1); IF NOT FOUND',
      },
    ],
    sessions: [{}, {}],
    async play(_stage, one, other) {
      await one.do('set', 'key')
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([one, other].map((player, index) => player.do('updatePair', `pair:${index}`)))
        await other.do('sync')
      }
    },
  },
  {
    rule: 'each group of a batch keeps its author',
    changes: [
      {
        file: COMMIT,
        from: "clock_timestamp(), part->>'by', part->>'reason',",
        to: "clock_timestamp(), request->'groups'->0->>'by', part->>'reason',",
      },
    ],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'each group of a batch is a commit',
    changes: [
      {
        file: COMMIT,
        from: 'IF records THEN\n        IF card',
        to: 'IF records AND before_group = 0 THEN\n        IF card',
      },
    ],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'a group is recorded once',
    changes: [
      {
        file: COMMIT,
        from: 'is_due := is_due OR head.position % 64',
        to: `head.position := head.position + 1;
        INSERT INTO @schema@.durabledict_commits SELECT dictionary, head.position, format, number, nonce, at, author, reason, via, keys, changes
          FROM @schema@.durabledict_commits WHERE dictionary = dict AND position = head.position - 1;
        is_due := is_due OR head.position % 64`,
      },
    ],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'a commit keeps what was there before',
    changes: [{ file: COMMIT, from: "|| j_before[1] || ','", to: "|| 'null' || ','" }],
    sessions: [{}],
    async play(_stage, writer) {
      await writer.do('set', 'key')
      await writer.do('pop', 'key')
    },
  },
  {
    rule: 'an edit by hand is a change of the dictionary',
    changes: [{ file: CHAIN, from: 'IF done.total = 0 THEN', to: 'IF true THEN' }],
    sessions: [{}, {}],
    play: editByHand,
  },
  {
    rule: 'the history says who edited by hand',
    changes: [{ file: CHAIN, from: 'clock_timestamp(), author, why', to: "clock_timestamp(), 'nobody', why" }],
    sessions: [{}, {}],
    play: editByHand,
  },
  {
    rule: 'an edit by hand locks the head until it is committed',
    changes: [
      {
        file: CHAIN,
        from: 'h.dictionary = NEW.dict FOR UPDATE;',
        to: 'h.dictionary = NEW.dict; PERFORM pg_sleep(0.2);',
      },
    ],
    sessions: [{}, {}],
    async play(stage, writer, reader) {
      await writer.do('set', 'other')
      const edited = edit(stage, 'key')
      await pause(100)
      await writer.do('set', 'other')
      await edited
      await reader.do('sync')
    },
  },
  {
    rule: 'versions with the same number are distinguished by their nonces',
    changes: [{ file: 'backends/sql/version.js', from: "builtin.crypto.randomBytes(12).toString('hex')", to: "'00'" }],
    sessions: [{}, {}],
    async play(stage, writer, reader) {
      await writer.do('set', 'kept')
      const { copy, left } = await stage.server.copy()
      await writer.do('set', 'lost')
      await reader.do('get', 'lost')
      await stage.strike('restore', () => stage.server.restore(copy), left)
      await writer.do('sync')
      await writer.do('set', 'other')
      await reader.do('get', 'lost')
    },
  },
]
