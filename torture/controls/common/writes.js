// @ts-check
/** @import { Control } from '../control.js' */
import { setTimeout as pause } from 'node:timers/promises'

/** Two transactions, of which the slow one conflicts. @type {Control['play']} */
export const incrementTwice = async (_stage, slow, quick) => {
  const slowly = slow.do('increment', 'count', 300)
  await pause(100)
  await quick.do('increment', 'count')
  await slowly
}

/** Several writes that reach the store in one batch, because another one is in transit. @type {Control['play']} */
export const writeTogether = async (_stage, writer) => {
  await writer.do('set', 'key')
  await writer.do('set', 'key')
  writer.proxy.delay(40)
  const first = writer.do('set', 'first')
  await pause(20)
  await Promise.all([first, ...['one', 'other'].map(key => writer.do('set', key))])
}

/** Rules about writes and the history of commits. @type {Control[]} */
export const writes = [
  {
    rule: 'an update is atomic',
    changes: [
      {
        file: 'dictionary/writes.js',
        from: 'await this.submit({ conditions: [], operations }, terms);',
        to: 'for (const one of operations) await this.submit({ conditions: [], operations: [one] }, terms);',
      },
    ],
    needs: ['network'],
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
  {
    rule: 'pages of the history neither overlap nor leave a gap',
    changes: [
      { file: 'dictionary/history/commit-stream.js', from: 'PAGE = 100', to: 'PAGE = 3' },
      { file: 'dictionary/history/commit-stream.js', from: 'commits.at(-1)?.id', to: 'commits.at(-2)?.id' },
    ],
    needs: ['network'],
    sessions: [{}],
    play: writeTogether,
  },
]
