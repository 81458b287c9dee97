// @ts-check
/** @import { Control } from '../../../controls/control.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { incrementTwice, writeTogether } from '../../../controls/common/writes.js'

const COMMIT = 'backends/redis/scripts/commit.lua'

/** Rules about the history in the store. @type {Control[]} */
export const commits = [
  {
    rule: 'each group of a batch is a commit',
    changes: [
      {
        file: COMMIT,
        from: 'for number, commit in ipairs(commits) do',
        to: 'for number, commit in ipairs({ commits[1] }) do',
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
        from: 'pcall(add_commits, commits, authors, version, now)',
        to: `pcall(function()
          for _ = 1, 2 do add_commits(commits, authors, version, now) end
        end)`,
      },
    ],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'each group of a batch keeps its author',
    changes: [
      {
        file: COMMIT,
        from: 'commits[number] = author, effects_in_group, commit',
        to: 'commits[number] = authors[1] or author, effects_in_group, commit',
      },
    ],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'a commit names its author',
    changes: [{ file: COMMIT, from: "b = 'by'", to: "b = 'reason'" }],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'a commit keeps what was there before',
    changes: [{ file: COMMIT, from: "{ key, call('HGET', entries_key, key), value }", to: '{ key, false, value }' }],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'a write that is sent again is one commit',
    changes: [{ file: COMMIT, from: 'if author == batch then', to: 'if false then' }],
    sessions: [{}],
    async play(_stage, unlucky) {
      await unlucky.do('set', 'other')
      const { links } = unlucky.proxy
      for (const link of links) link.swallow(['toClient'])
      const written = unlucky.do('set', 'key')
      await pause(100)
      for (const link of links) link.cut()
      await written
    },
  },
  {
    rule: 'a conflict is not recorded',
    changes: [
      {
        file: COMMIT,
        from: "codes[#codes + 1] = 'x'",
        to: `codes[#codes + 1], flags = 'x', flags .. 'r'
          local number = #authors + 1
          authors[number], counts[number], commits[number] = author, 0, { ARGV[at + 1], false, false }`,
      },
    ],
    sessions: [{}, {}],
    play: incrementTwice,
  },
  {
    rule: 'entries removed by an external writer do not end the history of commits',
    changes: [
      {
        file: 'backends/redis/scripts/prelude.lua',
        from: /^ +keep_past\(is_head\(head\) and head, started\)$/m,
        to: '',
      },
    ],
    sessions: [{}],
    async play(stage, writer) {
      await writer.do('set', 'kept')
      await writer.do('set', 'stolen')
      await stage.steal('stolen')
      await writer.do('set', 'later')
    },
  },
]
