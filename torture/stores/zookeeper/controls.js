// @ts-check
/** @import { Control } from '../../controls/control.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { countedBeforeReport } from '../../controls/common/reads.js'
import { incrementTwice, writeTogether } from '../../controls/common/writes.js'
import { Random } from '../../random.js'

const WRITER = 'backends/zookeeper/writer.js'
const PLAN = 'backends/zookeeper/plan.js'
const PLAN_HISTORY = 'backends/zookeeper/plan-history.js'
const READER = 'backends/zookeeper/reader.js'
const SESSION = 'backends/zookeeper/session.js'

/** A transaction is planned while the watch event of another write is in transit. @type {Control['play']} */
const incrementUnaware = async (_stage, slow, quick) => {
  await quick.do('increment', 'count')
  const slowly = slow.do('increment', 'count', 300)
  await pause(150)
  for (const link of slow.proxy.links) link.holdAnswers()
  await quick.do('increment', 'count')
  await pause(400)
  slow.proxy.release()
  await slowly
}

/** The answer to a write is lost. @param {string} key @returns {Control['play']} */
const loseAnswer = key => async (_stage, unlucky, other) => {
  await other.do('set', key)
  await unlucky.do('pop', 'nothing')
  const { links } = unlucky.proxy
  for (const link of links) link.swallow(['toClient'])
  const popped = unlucky.do('pop', key)
  await pause(100)
  for (const link of links) link.cut()
  await popped
}

/** A write is lost on its way, and another process writes meanwhile. @type {Control['play']} */
const loseRequest = async (_stage, unlucky, other) => {
  await unlucky.do('set', 'key')
  const { links } = unlucky.proxy
  for (const link of links) link.swallow(['toServer'])
  const written = unlucky.do('set', 'key')
  await pause(100)
  await other.do('set', 'other')
  for (const link of links) link.cut()
  await written
  await other.do('get', 'key')
}

/** @type {Control['play']} */
const readAfterWrite = async (_stage, writer, reader) => {
  for (let round = 0; round < 3; round += 1) {
    await writer.do('set', 'key')
    await reader.do('get', 'key')
  }
}

/** A value is written while the reader has no connection. @type {Control['play']} */
const writeWhileApart = async (_stage, writer, reader) => {
  await writer.do('set', 'key')
  await reader.do('get', 'key')
  reader.proxy.refuse(true)
  await writer.do('set', 'key')
  reader.proxy.refuse(false)
  await reader.do('get', 'key')
}

/** The reader is connected to a follower that has not heard of a write. @type {Control['play']} */
const readFromLaggard = async ({ server }, writer, reader) => {
  const follower = await server.follower(new Random(1))
  const isLagging = (/** @type {unknown} */ _, /** @type {number} */ at) => server.ports[at] === follower.port
  const closed = [...reader.proxies.filter((_, at) => !isLagging(_, at)), ...writer.proxies.filter(isLagging)]
  for (const proxy of closed) proxy.refuse(true)
  await writer.do('set', 'key')
  await reader.do('get', 'key')
  const lagging = server.cutOff(follower, 700)
  await writer.do('set', 'key')
  await reader.do('get', 'key')
  await lagging
  for (const proxy of closed) proxy.refuse(false)
}

/** @type {Control['play']} */
const readAfterTheft = async (stage, writer, reader) => {
  await writer.do('set', 'key')
  await reader.do('get', 'key')
  await stage.steal('key')
  await reader.do('get', 'key')
}

/** Rules of the backend. @type {readonly Control[]} */
export const controls = [
  countedBeforeReport,
  {
    rule: 'a write is conditional on the version from which it was planned',
    changes: [
      {
        file: PLAN,
        from: "return [{ type: 'set', path: names.version, data: formatHead(head), version: znode }, epoch];",
        to: "return [{ type: 'set', path: names.version, data: formatHead(head), version: -1 }, epoch];",
      },
      // Its commit would meet the one of the other write.
      { file: PLAN, from: 'steps: [...steps, ...history]', to: 'steps' },
    ],
    sessions: [{}, {}],
    play: incrementUnaware,
  },
  {
    rule: 'a transaction commits only if what it read is unchanged',
    changes: [{ file: PLAN, from: 'return this.#mirror.touchedSince(since, key);', to: 'return false;' }],
    sessions: [{}, {}],
    play: incrementTwice,
  },
  {
    rule: 'a write whose answer was lost is looked for before it is sent again',
    changes: [{ file: WRITER, from: 'if (await this.#tookEffect(lost, mirror, signal))', to: 'if (false)' }],
    sessions: [{}, {}],
    play: loseAnswer('key'),
  },
  {
    rule: 'a write is found in the log only if it is there',
    changes: [{ file: WRITER, from: 'past.changes[0]?.version === change.version', to: 'true' }],
    sessions: [{}, {}],
    play: loseRequest,
  },
  {
    rule: 'a linearizable check begins with a barrier',
    changes: [{ file: 'backends/zookeeper/repeats.js', from: 'async barrier() {', to: 'async barrier() { return;' }],
    sessions: [{}, {}],
    play: readFromLaggard,
  },
  {
    rule: 'after a watch event the version is read again',
    changes: [{ file: SESSION, from: /changed: \(\) => \{\s+this\.mark \+= 1;/, to: 'changed: () => {' }],
    sessions: [{}, {}],
    play: readAfterWrite,
  },
  {
    rule: 'the watch is set',
    changes: [
      {
        file: 'backends/zookeeper/client/own-session.js',
        from: 'if (!connection || !this.connected || this.#watched.has(path))',
        to: 'if (true)',
      },
    ],
    sessions: [{}, {}],
    play: readAfterWrite,
  },
  {
    rule: 'what was known by an earlier connection is read again',
    changes: [
      { file: SESSION, from: /connected: \(\) => \{\s+this\.mark \+= 1;/, to: 'connected: () => {' },
      { file: SESSION, from: /lost: cause => \{\s+this\.mark \+= 1;/, to: 'lost: cause => {' },
    ],
    sessions: [{}, {}],
    play: writeWhileApart,
  },
  {
    rule: 'children that others delete are noticed',
    changes: [
      {
        file: READER,
        from: 'mirror.position !== position || cversion === position.head.cversion',
        to: 'true',
      },
    ],
    sessions: [{}, {}],
    play: readAfterTheft,
  },
  {
    rule: 'what others did is not a write of the library',
    changes: [{ file: WRITER, from: "via: 'outside'", to: "via: 'library'" }],
    sessions: [{}, {}],
    play: readAfterTheft,
  },
  {
    rule: 'a commit is written with its data',
    changes: [{ file: PLAN, from: 'steps: [...steps, ...history]', to: 'steps' }],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'each group of a transaction is a commit',
    changes: [{ file: PLAN_HISTORY, from: 'const commits = done.map(', to: 'const commits = done.slice(0, 1).map(' }],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'each group of a transaction keeps its author',
    changes: [{ file: PLAN_HISTORY, from: '...saysOf(note)', to: '...saysOf(done[0].note)' }],
    sessions: [{}],
    play: writeTogether,
  },
  {
    rule: 'a commit keeps what was there before',
    changes: [
      {
        file: 'backends/zookeeper/history-record.js',
        from: 'return [key, toSide(before, limit), toSide(after, limit)];',
        to: 'return [key, null, toSide(after, limit)];',
      },
    ],
    sessions: [{}],
    play: writeTogether,
  },
]
