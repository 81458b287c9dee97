import { createHash } from 'node:crypto'
import { parseChangeRecord } from '../../src/backends/redis/change-record.js'
import { parsePage } from '../../src/backends/redis/page-reply.js'
import { parseSeen } from '../../src/backends/redis/replica-records.js'
import { parseCommit, parsePull, parseScan } from '../../src/backends/redis/replies.js'
import { readEffects } from '../../src/backends/sql/log/change-record.js'
import { readNotes } from '../../src/backends/sql/log/notes.js'
import { readRows } from '../../src/backends/sql/replicas/record.js'
import { Frames } from '../../src/backends/zookeeper/client/frames.js'
import { Input, Output } from '../../src/backends/zookeeper/client/jute.js'
import { readChildren, readConnectReply, readZnode, readZnodes } from '../../src/backends/zookeeper/client/packets.js'
import { parseServers } from '../../src/backends/zookeeper/client/servers.js'
import { Violation } from '../../src/backends/zookeeper/client/violation.js'
import { addChange, formatHead, formatPart, newHead, parseHead, parsePart } from '../../src/backends/zookeeper/head.js'
import { formatEntry, parseEntry } from '../../src/backends/zookeeper/history-record.js'
import { formatState, parseState } from '../../src/backends/zookeeper/history-state.js'
import { formatRecord, parseRecord } from '../../src/backends/zookeeper/log-record.js'
import {
  formatRegistryRecord,
  formatRegistryState,
  parseRegistryRecord,
  parseRegistryState,
} from '../../src/backends/zookeeper/registry-record.js'
import {
  DecodingError,
  DurableDictError,
  JSONEncoding,
  openDict,
  PickleEncoding,
  RichEncoding,
} from '../../src/index.js'
import { footOf, headOf, lineOf, parse, readHead, Unusable } from '../../src/last-known/document.js'
import { type Parser, SECRET } from '../../torture/fuzz/spoil.js'
import { HISTORY_PARSERS } from './history-parsers.js'
import { bytesOf, cellsOf, never, ofJson, ofText } from './parser-of.js'

class Money {
  amount: unknown = 1
}
const rich = new RichEncoding({ types: { Money } })
const json = new JSONEncoding()
const pickle = new PickleEncoding()

const shared = { s: SECRET }
const cyclic: unknown[] = [shared, shared]
cyclic.push(cyclic)

const PLAIN = [null, true, 0, -1.5, SECRET, '', [], [1, [SECRET]], { a: { b: [null] }, __proto__x: SECRET }]
const RICH = [
  ...PLAIN,
  new Date(5),
  new Map<unknown, unknown>([[SECRET, new Set([1n, -0, Number.NaN])]]),
  new Uint8Array([1, 2, 3]),
  new Float64Array([1, 2]),
  /a+b/gi,
  new URL('https://example.com/'),
  new Error(SECRET),
  new Money(),
  cyclic,
  Object.assign(Object.create(null), { ['__proto__']: 1 }),
]

const isDecoding = (error: unknown) => error instanceof DecodingError

const seal = (text: string) =>
  createHash('sha1').update(SECRET).update(text).update(SECRET).digest('hex').slice(0, 20) + text

const lastKnown = (() => {
  const values = ['"1"', SECRET, new Uint8Array([1, 2, 3])]
  const body = `${headOf({ name: 'settings', encoding: 'RichEncoding', at: 5 })}${values.map((one, index) => lineOf(`k${index}`, one, index === 0)).join('')}`
  return {
    body,
    sealed: (text: Buffer) =>
      Buffer.concat([text, Buffer.from(footOf(createHash('sha256').update(text).digest('hex')))]),
  }
})()

const VERSION = '7-a.1.0-b.1'
const change = JSON.stringify([VERSION, '8-a.1.0-c.1', ['s', 'k', SECRET, 'd', 'k', 'c'], 'uvt', SECRET])

const stat = (output: Output) =>
  output.long(1n).long(2n).long(3n).long(4n).int(5).int(6).int(7).long(0n).int(8).int(9).long(10n)
const packet = (write: (output: Output) => unknown) => {
  const output = new Output()
  write(output)
  return output.frame()
}
const first = newHead(0, 2)
const { head } = addChange(first, 'a.0', [{ type: 'set', key: 'k', stored: SECRET }], 2, { acknowledge: true })
const part = { epoch: head.epoch, number: 3, base: first.id, log: head.log }
const entry = {
  epoch: 'ab12',
  version: '3-ab12-x.0',
  commits: [
    { position: 7, by: 'ada', reason: SECRET, changes: [{ key: 'a', before: SECRET, after: new Uint8Array([1]) }] },
  ],
}
const replica = {
  id: '00000000-0000-4000-8000-000000000000',
  host: 'h',
  pid: 5,
  library: '1',
  live: true,
  bound: 5,
  version: SECRET,
}

/** A parser of a znode, which returns `undefined` for what it does not know. */
const ofData = (samples: readonly Buffer[], parse: (data: Buffer) => unknown): Parser => ({
  samples,
  parse,
  isOurs: error => error instanceof DurableDictError,
})

const frames = [
  packet(output => output.int(0).int(900).long(7n).bytes(Buffer.alloc(16, 1)).bool(false)),
  packet(output => stat(output.bytes(Buffer.from(SECRET)))),
  packet(output => stat(output.int(2).text('a').text('bc'))),
  packet(output =>
    stat(output.int(4).bool(false).int(0).bytes(Buffer.from(SECRET)))
      .int(-1)
      .bool(true)
      .int(-1),
  ),
]

/** Reads the records of a stream with every parser of packets. */
function readFrames(bytes: Buffer): number {
  const records = 0
  const stream = new Frames(
    record => {
      for (const read of [readConnectReply, readZnode, readChildren, (input: Input) => readZnodes(input, 1)]) {
        try {
          read(new Input(record))
        } catch (error) {
          // The connection ends with a fault of its own.
          if (!(error instanceof RangeError || error instanceof Violation || (error as Error).name === 'Refusal'))
            throw error
        }
      }
    },
    () => {},
  )
  stream.push(bytes)
  return records
}

/** Nothing is opened: after the URL, a wrong option is refused. */
const URLS = [
  'sqlite:/data/app.db#settings',
  `zookeeper://ada:${SECRET}@a:2181,b:2181/app/config`,
  `redis://ada:${SECRET}@127.0.0.1:1/0#settings`,
  `rediss://127.0.0.1:1#settings`,
  `postgres://ada:${SECRET}@127.0.0.1:1/app?application_name=x#settings`,
]

/** Each parser of stored or received bytes that is a function. */
export const PARSERS: Record<string, Parser> = {
  ...HISTORY_PARSERS,
  RichEncoding: ofText(
    RICH.map(value => rich.encode(value)),
    text => rich.decode(text),
    isDecoding,
  ),
  JSONEncoding: ofText(
    PLAIN.map(value => json.encode(value)),
    text => json.decode(text),
    isDecoding,
  ),
  'PickleEncoding, text': ofText(
    PLAIN.map(value => pickle.encode(value)),
    text => pickle.decode(text),
    isDecoding,
  ),
  'PickleEncoding, bytes': {
    samples: [...PLAIN, new Date(5), new Map([[1, SECRET]]), new Set([1]), 10n ** 30n].map(value =>
      Buffer.from(pickle.encode(value), 'base64'),
    ),
    parse: input => pickle.decode(input.toString('base64')),
    isOurs: isDecoding,
  },
  'last-known files': {
    samples: [lastKnown.sealed(Buffer.from(lastKnown.body))],
    parse: input => [parse(input), readHead(input.toString('utf8'))],
    isOurs: error => error instanceof Unusable,
  },
  'last-known files with a right checksum': {
    samples: bytesOf([lastKnown.body]),
    parse: input => parse(lastKnown.sealed(input)),
    isOurs: error => error instanceof Unusable,
  },
  'changes in the log of Redis': ofText([change], text => parseChangeRecord(seal(text), SECRET), never),
  'replies of Redis': ofJson(
    [
      ['changes', VERSION, 'x'],
      ['state', VERSION, SECRET, 5, ['k', SECRET]],
      ['old', VERSION, 1, SECRET, 5],
      ['ok', VERSION, 100, 'u', 0],
      ['0', ['k', SECRET]],
    ],
    reply => {
      const parsers: ((reply: unknown) => unknown)[] = [
        one => parsePull(one, false),
        one => parsePull(one, true),
        one => parseCommit(one, VERSION),
        parseScan,
        parsePage,
        parseSeen,
      ]
      for (const one of parsers) {
        try {
          one(reply)
        } catch (error) {
          if (!(error instanceof DurableDictError) || error.message.includes(SECRET)) throw error
        }
      }
      return parsers
    },
    never,
  ),
  'effects in the log of SQL stores': ofText(
    [JSON.stringify([['s', 'k', SECRET], ['d', 'k'], ['c']])],
    text => [readEffects(text), readNotes(text, 3)],
    never,
  ),
  'notes in the log of SQL stores': ofText(
    [JSON.stringify({ format: 1, notes: [{ effects: 3, by: SECRET, reason: 'x', via: 'cli' }], acknowledge: true })],
    text => [readNotes(text, 3), readNotes(text, undefined)],
    never,
  ),
  'replicas of SQL stores': ofJson(
    [
      [
        {
          id: 'a',
          record: JSON.stringify({ host: 'h', pid: 5, library: '1', live: true, bound: 5 }),
          renewed: 1,
          ttl: 5,
          at: 2,
          recorded: 5,
        },
      ],
    ],
    rows => readRows(cellsOf(rows), 'replicas'),
    never,
  ),
  'packets of ZooKeeper': { samples: frames, parse: readFrames, isOurs: error => error instanceof Violation },
  'lines in the log of ZooKeeper': ofText(
    [
      formatRecord(
        'x.0',
        [{ type: 'set', key: 'a', stored: SECRET }, { type: 'delete', key: 'b' }, { type: 'clear' }],
        true,
      ),
    ],
    parseRecord,
    never,
  ),
  'heads of ZooKeeper': ofData([formatHead(head)], data => parseHead(data, 'd')),
  'earlier parts of the log of ZooKeeper': ofData([formatPart(part)], parsePart),
  'commits in the history of ZooKeeper': ofData([formatEntry(entry, 10_000)], parseEntry),
  'the policy of the history in ZooKeeper': ofData(
    [formatState({ format: 1, epoch: 'ab12', floor: 0, dropped: [] } as never)],
    data => parseState(data, 'd'),
  ),
  'replicas in ZooKeeper': ofData([formatRegistryRecord({ presence: replica, ttl: 5 })], data =>
    parseRegistryRecord(replica.id, data),
  ),
  'bounds in ZooKeeper': ofData([formatRegistryState({ covered: 5, unregistered: 7 })], parseRegistryState),
  'servers of ZooKeeper': ofText(
    ['a:2181,b:2181/app', '[::1]:2181', '10.0.0.1'],
    parseServers,
    error => error instanceof TypeError,
  ),
  'connection URLs': ofText(
    URLS,
    text => openDict(text.replace(/(?<!:)hunter2|hunter2(?!@)/g, 'x'), { timeout: 0 }),
    error => error instanceof TypeError,
  ),
}
