// @ts-check
/** @import { Control } from './control.js' */
import { setTimeout as pause } from 'node:timers/promises'

/** Rules about stores that lost something, or were changed behind the library's back. @type {Control[]} */
export const histories = [
  {
    rule: 'versions that bear the same number are told apart by their nonces',
    changes: [
      { file: 'backends/redis/scripts/commit.lua', from: /number \+ 1 \.\. .*/, to: "number + 1 .. '-0-0.0'" },
      { file: 'backends/redis/scripts/prelude.lua', from: /number \+ 1 \.\. .*/, to: "number + 1 .. '-0-0.0'" },
    ],
    sessions: [{}, {}],
    forgetful: true,
    async play(stage, writer, reader) {
      await writer.do('set', 'kept')
      await stage.server.run('SAVE')
      await writer.do('set', 'lost')
      await reader.do('get', 'lost')
      await stage.lose('restart without the latest data', async () => {
        await stage.server.kill()
        await stage.server.restart()
      })
      await writer.do('sync')
      await writer.do('set', 'other')
      await reader.do('get', 'lost')
    },
  },
  {
    rule: 'entries that a stranger took away are missed',
    changes: [{ file: 'backends/redis/scripts/prelude.lua', from: 'or tonumber(meta[2]) ~= size', to: '' }],
    sessions: [{}, {}],
    async play(stage, writer, reader) {
      await writer.do('set', 'key')
      await reader.do('get', 'key')
      await stage.steal('key')
      await reader.do('get', 'key')
    },
  },
  {
    rule: 'a batch that had to begin a history is not taken for done when it is sent again',
    changes: [
      {
        file: 'backends/redis/scripts/commit.lua',
        from: 'if string.sub(change, start, start + #mark - 1) == mark then',
        to: 'if string.find(change, mark, 1, true) then',
      },
    ],
    sessions: [{}, {}],
    async play(stage, slow, quick) {
      await quick.do('set', 'stolen')
      await slow.do('sync')
      await stage.steal('stolen')
      slow.proxy.delay(150)
      const write = slow.do('set', 'key')
      // Its first sending has begun a history, its second one is still to come.
      await pause(220)
      await quick.do('set', 'other')
      await write
      await quick.do('get', 'key')
    },
  },
]
