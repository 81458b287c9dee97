// The previous release, installed as durabledict-previous, and this one use a file side by side.
import { SqliteDict } from 'durabledict'
import { SqliteDict as Previous } from 'durabledict-previous'
import { equal, run } from './check.js'

const file = `previous-sqlite-${process.pid}.db`
const live = { live: true, autosync: false }

/** The commits of the history, newest first, and whether it says that it is complete. */
async function historyOf(dict) {
  const stream = dict.history()
  const commits = await stream.toArray()
  return JSON.stringify([
    commits.map(({ by, changes: [{ key, before, after }] }) => [by, key, before, after]),
    stream.complete,
  ])
}

/** Writes, and waits until the other dictionary has it in memory. */
async function writeAndSee(writer, reader, key, value) {
  const changed = new Promise(resolve => reader.on('change', change => change.value === value && resolve()))
  await writer.set(key, value)
  await changed
  equal(reader.local.get(key), value)
}

run(async () => {
  // A file of the previous release: read as it is, and upgraded by the first write.
  const old = await Previous.open('settings', file, live)
  await old.update({ a: 1, b: 1 })
  const reader = await SqliteDict.open('settings', file, { readOnly: true })
  equal(await reader.get('a'), 1)
  equal(await historyOf(reader), '[[],false]')
  const dict = await SqliteDict.open('settings', file, { ...live, by: 'ada' })

  // Both write, both read, both live.
  await writeAndSee(dict, old, 'a', 2)
  equal(await historyOf(reader), '[[["ada","a",1,2]],false]')
  await writeAndSee(old, dict, 'b', 2)
  equal(await historyOf(dict), '[[],false]')
  await writeAndSee(dict, old, 'b', 3)
  equal(await historyOf(dict), '[[["ada","b",2,3]],false]')

  // Each notices what the other writes during its transaction.
  for (const [one, other] of [
    [old, dict],
    [dict, old],
  ]) {
    let tries = 0
    await one.transact(async tx => {
      tries += 1
      const n = tx.get('a')
      if (tries === 1) await other.set('a', 10)
      tx.set('a', n + 1)
    })
    equal(`${tries} ${await one.get('a')}`, '2 11')
  }

  // A dictionary that the previous release creates in the upgraded file.
  const other = await Previous.open('other', file)
  await other.set('a', 1)
  const same = await SqliteDict.open('other', file)
  await same.set('a', 2)
  equal(await other.get('a'), 2)
  await other.clear()
  equal(await same.size(), 0)
  for (const one of [old, reader, dict, other, same]) await one.close()
})
