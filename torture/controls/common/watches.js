// @ts-check
/** @import { Control } from '../control.js' */

/** @type {Control['play']} */
const writeAndFollow = async (_stage, writer, reader) => {
  for (let round = 0; round < 3; round += 1) await writer.do('set', 'key')
  await writer.do('pop', 'key')
  await reader.do('sync')
}

/** @param {string} to in place of what hands a change to a watcher @returns {Control['changes']} */
const instead = to => [{ file: 'dictionary/watchers.js', from: 'stream.push(change);', to }]

/** Rules about what `watch()` yields. @type {Control[]} */
export const watches = [
  { rule: 'a watcher gets each change once', changes: instead('stream.push(change), stream.push(change);') },
  {
    rule: 'a watcher gets every change',
    changes: instead("if (change.value !== undefined || change.key !== 'key') stream.push(change);"),
  },
  {
    rule: 'a watcher gets the changes in order',
    changes: instead('this.last && stream.push(this.last), (this.last = change);'),
  },
].map(one => ({ ...one, sessions: [{}, {}], play: writeAndFollow }))
