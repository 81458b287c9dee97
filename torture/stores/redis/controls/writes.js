// @ts-check
/** @import { Control } from '../../../controls/control.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { incrementTwice } from '../../../controls/common/writes.js'

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
        from: "if effect_count == 0 and not only_asks and not string.find(flags, 'r', 1, true) then",
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
]
