import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Input, Output } from '../../src/backends/zookeeper/client/jute.js'
import {
  connectRequest,
  multiRequest,
  NO_SESSION,
  readChildren,
  readConnectReply,
  readMulti,
} from '../../src/backends/zookeeper/client/packets.js'
import { parseServers } from '../../src/backends/zookeeper/client/servers.js'
import {
  addChange,
  formatHead,
  formatPart,
  type Head,
  newHead,
  type Part,
  parseHead,
  parsePart,
  pastSince,
  versionOf,
  withParts,
} from '../../src/backends/zookeeper/head.js'
import { Mirror } from '../../src/backends/zookeeper/mirror.js'
import { checkPath, escapeKey, PARTS, unescapeKey } from '../../src/backends/zookeeper/names.js'
import { fromData, toData } from '../../src/backends/zookeeper/stored.js'
import { CODE, Refusal } from '../../src/backends/zookeeper/transport.js'
import type { Effect } from '../../src/contract/backend.js'

const text = () => fc.string({ unit: 'grapheme', maxLength: 20 })

/** The record of a frame. */
function open(frame: Buffer): Input {
  expect(frame.readInt32BE(0)).toBe(frame.length - 4)
  return new Input(frame.subarray(4))
}

describe('jute', () => {
  const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

  test('reads back what was written, however long', () => {
    const records = fc.tuple(int, long, fc.boolean(), text(), fc.uint8Array({ maxLength: 2_000 }))
    fc.assert(
      fc.property(fc.array(records, { maxLength: 5 }), list => {
        const output = new Output()
        for (const [a, b, c, d, e] of list) output.int(a).long(b).bool(c).text(d).bytes(e)
        const input = open(output.frame())
        for (const [a, b, c, d, e] of list) {
          expect([input.int(), input.long(), input.bool(), input.text()]).toEqual([a, b, c, d])
          expect(Uint8Array.from(input.bytes())).toEqual(e)
        }
        expect(() => input.bool()).toThrow(RangeError)
      }),
      { numRuns: 100 },
    )
  })

  test('rejects a record that ends too early at any byte, except an empty one', () => {
    const frame = new Output().int(1).long(2n).text('three').frame().subarray(4)
    for (let end = 0; end < frame.length; end += 1) {
      const input = new Input(frame.subarray(0, end))
      expect(() => [input.int(), input.long(), input.text()]).toThrow(RangeError)
    }
    expect(open(new Output().int(-1).int(7).frame()).bytes()).toHaveLength(0)
    expect(() =>
      new Input(
        new Output()
          .int(2 ** 31 - 1)
          .frame()
          .subarray(4),
      ).bytes(),
    ).toThrow(RangeError)
    expect(() =>
      readChildren(
        open(
          new Output()
            .int(2 ** 31 - 1)
            .text('one')
            .frame(),
        ),
      ),
    ).toThrow(RangeError)
  })

  test('requests have the format of the protocol', () => {
    const hello = open(connectRequest(5n, 900, NO_SESSION))
    expect([hello.int(), hello.long(), hello.int(), hello.long(), hello.bytes().length, hello.bool()]).toEqual([
      ...[0, 5n, 900, 0n, 16, false],
    ])
    const reply = new Output().int(0).int(900).long(7n).bytes(Buffer.alloc(16, 1)).frame()
    expect(readConnectReply(open(reply))).toEqual({ timeout: 900, session: { id: 7n, password: Buffer.alloc(16, 1) } })
    const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
    const multi = open(multiRequest(3, [{ type: 'create', path: '/a', data: Buffer.of(1) }], acl))
    expect([multi.int(), multi.int(), multi.int(), multi.bool(), multi.int()]).toEqual([3, 14, 1, false, -1])
    expect([multi.text(), multi.bytes().length, multi.int(), multi.int()]).toEqual(['/a', 1, 1, 31])
    expect([multi.text(), multi.text(), multi.int()]).toEqual(['world', 'anyone', 0])
    expect([multi.int(), multi.bool(), multi.int()]).toEqual([-1, true, -1])
  })

  test('a refused transaction names the failed step', () => {
    const output = new Output()
    for (const code of [0, CODE.NODE_EXISTS, -2]) output.int(-1).bool(false).int(code).int(code)
    const input = open(output.int(-1).bool(true).int(-1).frame())
    const fault = (() => {
      try {
        return readMulti(input, Array(3).fill({ type: 'set' }))
      } catch (error) {
        return error
      }
    })()
    expect(fault).toBeInstanceOf(Refusal)
    expect(fault).toMatchObject({ code: CODE.NODE_EXISTS, step: 1 })
  })
})

test('connection strings name servers, credentials and a path that prefixes all others', () => {
  const one = { host: 'a', port: 2181 }
  const named = (given: string) => {
    const { servers, chroot, credentials } = parseServers(given)
    return [servers, chroot, credentials.map(({ scheme, auth }) => `${scheme} ${auth}`)]
  }
  expect(named('a')).toEqual([[one], '', []])
  expect(named('a/')).toEqual([[one], '', []])
  expect(named('ZooKeeper://a:2181,[::1]:7/app/x/')).toEqual([[one, { host: '::1', port: 7 }], '/app/x', []])
  expect(named('u%40:p@/w@a')).toEqual([[one], '', ['digest u@:p@/w']])
  for (const given of ['', ',', '/', 'a:x', 'a:65536', 'a b', 'a//b', 'a:1:2', '[::1']) {
    expect(() => parseServers(given), given).toThrow(TypeError)
  }
  expect(() => parseServers('u:secret@a:x')).not.toThrow('secret')
  expect(() => parseServers('u:100%@a')).toThrow(TypeError)
})

describe('names', () => {
  test('every key has a unique name that is valid in a path', () => {
    const keys = fc.oneof(text(), fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('.', '..', '%', '%2E'))
    fc.assert(
      fc.property(
        keys.filter(key => key !== '' && key.isWellFormed()),
        key => {
          const name = escapeKey(key)
          expect(unescapeKey(name)).toBe(key)
          expect(name).not.toMatch(/[/\p{Cc}\ud800-\uf8ff\ufff0-\uffff]|^\.\.?$/u)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('other names belong to no key', () => {
    for (const name of ['%2f', '%', '%zz', '%41', '%C3', '%version', 'x'.repeat(513)]) {
      expect(unescapeKey(name), name).toBeUndefined()
    }
  })

  test('a path is that of a znode below the root', () => {
    for (const path of ['/a', '/a/b c/ü', '/a/zookeeper', '/%41']) expect(checkPath(path)).toBe(path)
    for (const path of [
      undefined,
      7,
      '',
      '/',
      'a',
      '/a/',
      '//a',
      '/a//b',
      '/./a',
      '/..',
      '/zookeeper',
      '/a\0',
      '/\ud800',
    ]) {
      expect(() => checkPath(path), String(path)).toThrow(TypeError)
    }
  })
})

test('values are read back as text or as bytes, and external values as what they are', () => {
  const stored = fc.oneof(text(), fc.uint8Array({ maxLength: 50 }))
  fc.assert(
    fc.property(stored, value => {
      expect(fromData(toData(value))).toEqual(value)
    }),
    { numRuns: 200 },
  )
  expect(fromData(Buffer.of(0xc3))).toEqual(Uint8Array.of(0xc3))
  expect(fromData(Buffer.alloc(0))).toBe('')
})

describe('the head', () => {
  const set = (key: string, stored: string): Effect => ({ type: 'set', key, stored })

  const nextHead = (...args: Parameters<typeof addChange>) => addChange(...args).head

  /** A head after so many changes, with the versions before it, and the parts archived meanwhile. */
  function headAfter(changes: number) {
    let head = newHead(0, 2)
    const versions = [versionOf(head)]
    const parts: Part[] = []
    for (let n = 0; n < changes; n += 1) {
      const effects: Effect[] = [set(`key ${n}`, 'x'.repeat(90)), { type: 'delete', key: 'b' }]
      const moved = addChange(head, `batch-${n}.0`, effects, 2)
      head = moved.head
      if (moved.part) parts[moved.part.place] = parsePart(formatPart(moved.part.content)) as Part
      versions.push(versionOf(head))
      expect(formatHead(head).length).toBeLessThan(2_300)
    }
    return { head, versions, parts }
  }

  function expectReach(head: Head, versions: readonly string[], reached: number) {
    const last = versions.length - 1
    for (const [n, version] of versions.entries()) {
      const past = pastSince(head, version)
      if (n === last) expect(past).toEqual({ diverged: true })
      else if (n < last - reached) expect(past).toEqual({ diverged: false })
      else {
        const changes = 'changes' in past ? past.changes : []
        expect(changes).toHaveLength(last - n)
        expect(changes[0]).toMatchObject({ previous: version, version: versions[n + 1], id: `batch-${n}` })
        expect(changes.at(-1)?.version).toBe(versions[last])
      }
    }
  }

  test('returns what happened since, as far back as its log', () => {
    const { head, versions } = headAfter(300)
    expect(parseHead(formatHead(head), 'd')).toEqual(head)
    expect(head.log.length).toBeGreaterThan(5)
    expectReach(head, versions, head.log.length)
  })

  test('returns more with the earlier parts of the log, in whatever order they arrive', () => {
    const { head, versions, parts } = headAfter(300)
    expect(parts).toHaveLength(PARTS)
    const all = withParts(head, parts.toReversed())
    expect(all.log.length).toBe(head.log.length + parts.reduce((sum, { log }) => sum + log.length, 0))
    expect(all.log.length).toBeGreaterThan(50)
    expectReach(all, versions, all.log.length)
  })

  test('ignores parts that do not lead up to it', () => {
    const { head, parts } = headAfter(300)
    const latest = parts.toSorted((a, b) => b.number - a.number)[0] as Part
    const others = parts.filter(part => part !== latest)
    expect(withParts(head, others)).toEqual(head)
    const ones = [{ epoch: 'other' }, { number: latest.number + 1 }, { log: [...latest.log, '["other.0"]'] }]
    for (const wrong of ones) expect(withParts(head, [{ ...latest, ...wrong }])).toEqual(head)
    expect(withParts(head, [latest]).base).toBe(latest.base)
  })

  test('uses them to report that another history was left, once everything was read', () => {
    const { head, versions, parts } = headAfter(300)
    const position = { head, znode: 1, zxid: 1n }
    const number = head.number - head.log.length - 3
    const left = versionOf({ number, epoch: head.epoch, id: 'theirs.0' })
    expect(new Mirror(new Map(), position, { read: parts }).since(left)).toMatchObject({
      type: 'state',
      diverged: true,
    })
    const ours = versions[number] as string
    expect(new Mirror(new Map(), position, { read: parts }).since(ours)).toMatchObject({
      type: 'state',
      diverged: false,
    })
    const mirror = new Mirror(new Map(), { ...position, head: newHead(0, 2) }, { read: [] })
    mirror.replace(new Mirror(new Map(), position, { read: parts }))
    expect(mirror.since(left)).toMatchObject({ diverged: true })
  })

  test('omits from the log what is too long to be archived', () => {
    const first = newHead(0, 2)
    const long = nextHead(
      first,
      'a.0',
      Array.from({ length: 10 }, (_, n) => set(`${n}`, 'x'.repeat(1_000))),
      2,
    )
    const { head, part } = addChange(long, 'b.0', [set('a', '1')], 2)
    expect(part).toBeUndefined()
    expect(pastSince(head, versionOf(long))).toMatchObject({ changes: [{ id: 'b' }] })
    expect(pastSince(head, versionOf(first))).toEqual({ diverged: false })
  })

  test('ignores a malformed part', () => {
    for (const data of ['', '{}', 'null', '7', '{"epoch":"a","number":1,"base":"b"}']) {
      expect(parsePart(Buffer.from(data)), data).toBeUndefined()
    }
  })

  test('recognizes a version of another history, even with the same number', () => {
    const first = newHead(0, 2)
    const [mine, theirs] = ['mine.0', 'theirs.0'].map(id => nextHead(first, id, [set('a', '1')], 2))
    const later = nextHead(theirs as typeof first, 'later.0', [set('a', '2')], 2)
    expect(pastSince(later, versionOf(mine as typeof first))).toEqual({ diverged: true })
    expect(pastSince(later, versionOf(newHead(0, 2)))).toEqual({ diverged: true })
    expect(pastSince(later, 'nonsense')).toEqual({ diverged: true })
  })

  test('contains no long value and no change that is too long', () => {
    const first = newHead(0, 2)
    const long = nextHead(first, 'a.0', [set('a', 'x'.repeat(5_000)), set('b', 'short')], 2)
    const past = pastSince(long, versionOf(first))
    expect('changes' in past && past.changes[0]?.effects).toEqual([{ type: 'set', key: 'a' }, set('b', 'short')])
    const keys = Array.from({ length: 2_000 }, (_, n) => set(`key number ${n}`, 'x'))
    const none = nextHead(long, 'b.0', keys, 2)
    expect(none.log).toEqual([])
    expect(pastSince(none, versionOf(long))).toEqual({ diverged: false })
    expect(pastSince(nextHead(none, 'c.0', [], 2), versionOf(none))).toMatchObject({ changes: [{ effects: [] }] })
  })

  test('with a damaged log returns nothing from it', () => {
    const first = newHead(0, 2)
    const next = nextHead(first, 'a.0', [set('a', '1')], 2)
    for (const line of ['', '7', '["a.0"', '{}']) {
      const damaged = parseHead(formatHead({ ...next, log: [line] }), 'd')
      const past = damaged && pastSince(damaged, versionOf(first))
      expect(past).toEqual({ diverged: true, damage: expect.stringContaining('record of change 1') })
      expect(damaged && nextHead(damaged, 'b.0', [set('a', 'x'.repeat(1_000))], 2)).toMatchObject({ number: 2 })
    }
  })

  test('that is malformed is not mistaken for one', () => {
    for (const data of ['', '{}', 'null', '7', '[]', '{"format":1}', '{"format":"1"}']) {
      expect(parseHead(Buffer.from(data), 'd'), data).toBeUndefined()
    }
    expect(() => parseHead(Buffer.from('{"format":2}'), 'd')).toThrow('Update durabledict')
  })
})
