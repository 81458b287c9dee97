// @ts-check
/** @import { Control } from '../../../controls/control.js' */

/** Rules about stores that lost data or were changed by external writers. @type {Control[]} */
export const histories = [
  {
    rule: 'versions with the same number are distinguished by their nonces',
    changes: [
      {
        file: 'backends/redis/scripts/prelude.lua',
        from: "return string.format('%.0f-%s-%s', number + 1, epoch, nonce)",
        to: "return string.format('%.0f-0-0.0', number + 1)",
      },
      {
        file: 'backends/redis/scripts/prelude.lua',
        from: "local started = string.format('%.0f-%s-%s', number + 1, epoch, nonce)",
        to: "local started = string.format('%.0f-0-0.0', number + 1)",
      },
    ],
    sessions: [{}, {}],
    wishes: { topology: 'forgetful' },
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
    rule: 'entries removed by an external writer are noticed',
    changes: [
      { file: 'backends/redis/scripts/prelude.lua', from: 'count_of(meta[2]) == size', to: 'count_of(meta[2])' },
      {
        file: 'backends/redis/quick-check.js',
        from: /wordOf\(copy\) === `\$\{version\} \$\{wordOf\(size\)\}`/,
        to: 'wordOf(copy).startsWith(version)',
      },
    ],
    sessions: [{}, {}],
    async play(stage, writer, reader) {
      await writer.do('set', 'key')
      await reader.do('get', 'key')
      await stage.steal('key')
      await reader.do('get', 'key')
    },
  },
  {
    rule: 'a batch that had to begin a history is not mistaken for an executed one when it is sent again',
    changes: [
      {
        file: 'backends/redis/scripts/commit.lua',
        from: 'if author == batch then',
        to: 'if string.find(changes[position], batch, 1, true) then',
      },
    ],
    sessions: [{}, {}],
    async play(stage, slow, quick) {
      await quick.do('set', 'stolen')
      await slow.do('sync')
      await stage.steal('stolen')
      const answered = slow.proxy.holdAnswers()
      const write = slow.do('set', 'key')
      // Its first attempt has begun a history, its second one is still to come.
      await answered
      await quick.do('set', 'other')
      slow.proxy.release()
      await write
      await quick.do('get', 'key')
    },
  },
]
