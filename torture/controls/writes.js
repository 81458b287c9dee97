// @ts-check
/** @import { Control } from './control.js' */
import { setTimeout as pause } from 'node:timers/promises'

/** Two transactions, of which the slow one conflicts. @type {Control['play']} */
export const incrementTwice = async (_stage, slow, quick) => {
  const slowly = slow.do('increment', 'count', 300)
  await pause(100)
  await quick.do('increment', 'count')
  await slowly
}

/** Rules about the effects of a write. @type {Control[]} */
export const writes = [
  {
    rule: 'a batch that is sent again is recognized by its id',
    changes: [
      {
        file: 'backends/redis/scripts/commit.lua',
        from: 'if author == batch then',
        to: 'if false then',
      },
    ],
    sessions: [{}, {}],
    async play(_stage, unlucky, other) {
      await other.do('set', 'key')
      // Loads the script into the server.
      await unlucky.do('pop', 'nothing')
      const { links } = unlucky.proxy
      for (const link of links) link.swallow(['toClient'])
      const popped = unlucky.do('pop', 'key')
      await pause(100)
      for (const link of links) link.cut()
      await popped
    },
  },
  {
    rule: 'a retry without effect prevents the original from being executed later',
    changes: [
      {
        file: 'backends/redis/scripts/commit.lua',
        from: "if effect_count == 0 and not string.find(flags, 'r', 1, true) then",
        to: 'if effect_count == 0 then',
      },
    ],
    sessions: [{}, {}],
    async play(_stage, unlucky, other) {
      await unlucky.do('pop', 'nothing')
      const { links } = unlucky.proxy
      for (const link of links) link.hold()
      const popped = unlucky.do('pop', 'key')
      await pause(100)
      for (const link of links) link.orphan()
      await popped
      await other.do('set', 'key')
      for (const link of links) link.release()
      await pause(100)
      await other.do('get', 'key')
    },
  },
  {
    rule: 'a transaction commits only if what it read is unchanged',
    changes: [
      {
        file: 'backends/redis/scripts/commit.lua',
        from: 'return keys and not (keys[true] or keys[key] or cleared or overlay[key] ~= nil)',
        to: 'return true',
      },
    ],
    sessions: [{}, {}],
    play: incrementTwice,
  },
  {
    rule: 'an update is atomic',
    changes: [
      {
        file: 'dictionary/writes.js',
        from: 'await this.submit({ conditions: [], operations }, terms);',
        to: 'for (const one of operations) await this.submit({ conditions: [], operations: [one] }, terms);',
      },
    ],
    sessions: [{}, {}],
    async play(_stage, writer, reader) {
      writer.proxy.delay(20)
      for (let round = 0; round < 5; round += 1) {
        const written = writer.do('updatePair', 'pair')
        for (let read = 0; read < 10; read += 1) {
          await reader.do('snapshotPair', 'pair')
          await pause(8)
        }
        await written
      }
    },
  },
]
