import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryName, keyOfMark, markOf, parseEntryName } from '../../src/backends/zookeeper/history-entry-name.js'
import { type Entry, formatEntry, parseEntry, rewriteEntry } from '../../src/backends/zookeeper/history-record.js'
import { formatState, parseState } from '../../src/backends/zookeeper/history-state.js'

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter(text => text.isWellFormed())
const side = fc.option(fc.oneof(key, fc.uint8Array({ maxLength: 20 })), { nil: undefined })
const change = fc.record({ key, before: side, after: side }).map(one => {
  const { before, after } = one
  return { key: one.key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
})
const commit = fc.record(
  {
    position: fc.nat(),
    by: key,
    reason: key,
    via: fc.constant('cli' as const),
    changes: fc.array(change, { maxLength: 3 }),
  },
  { requiredKeys: ['position', 'changes'] },
)
const entry: fc.Arbitrary<Entry> = fc.record({
  epoch: fc.constant('abc'),
  version: key,
  commits: fc.array(commit, { minLength: 1, maxLength: 3 }),
})

test('commits are read as they were written', () => {
  fc.assert(
    fc.property(entry, one => {
      expect(parseEntry(formatEntry(one, 1e9))).toEqual(one)
    }),
  )
})

test('damaged commits are parsed or refused, and never throw', () => {
  fc.assert(
    fc.property(entry, fc.nat(), fc.nat(255), (one, at, byte) => {
      const data = formatEntry(one, 1e9)
      data[at % data.length] = byte
      const parsed = parseEntry(data)
      if (parsed) expect(parseEntry(rewriteEntry(data, each => each))?.commits.length).toBe(parsed.commits.length)
      for (const parse of [parseEntry, (bytes: Buffer) => parseState(bytes, 'd')])
        parse(data.subarray(0, at % data.length))
    }),
  )
})

test('commits without room for their values still name their keys, and then nothing', () => {
  const changes = [{ key: 'a', before: 'x'.repeat(5_000), after: new Uint8Array(900) }]
  const one = { epoch: 'abc', version: '1', commits: [{ position: 1, by: 'ada', changes }] }
  const sizes = [1e6, 3_000, 500, 100].map(room => parseEntry(formatEntry(one, room))?.commits[0])
  expect(sizes.map(each => each?.changes?.map(({ before }) => typeof before))).toEqual([
    ['string'],
    ['object'],
    ['object'],
    undefined,
  ])
  expect(sizes.map(each => each?.by)).toEqual(['ada', 'ada', 'ada', 'ada'])
})

test('names say which key and how many commits', () => {
  fc.assert(
    fc.property(key, fc.nat(), fc.integer({ min: 1, max: 1e6 }), (one, first, bytes) => {
      const mark = markOf(one)
      const parsed = parseEntryName(entryName(first, 1, bytes, mark))
      expect(parsed).toMatchObject({ first, count: 1, mark })
      expect([one, undefined]).toContain(keyOfMark(mark))
    }),
  )
})

test('members that a later release adds are ignored', () => {
  const state = { epoch: 'abc', floor: 3, policy: { keep: 5, days: 1 }, dropped: [['a', 7] as const] }
  const added = { ...JSON.parse(formatState(state).toString()), later: [1] }
  expect(parseState(Buffer.from(JSON.stringify(added)), 'd')).toEqual(state)
  const lines =
    '{"format":1,"epoch":"abc","version":"1","later":1}\n{"position":1,"later":{},"changes":[["a",null,"1","later"]]}'
  expect(parseEntry(Buffer.from(lines))?.commits).toEqual([{ position: 1, changes: [{ key: 'a', after: '1' }] }])
})
