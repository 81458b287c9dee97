import { describe, expect, it } from 'vitest'
import type { VersionCache } from '../../src/backends/model/versions/version-cache.js'
import { StoreUnavailableError } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { startCuttingProxy } from '../redis/cutting-proxy.js'
import { until } from '../redis/support.js'
import { newKey } from './cache-suite.js'
import type { OwnServer, Subject } from './subjects.js'

/** The caller's time limit in ms. */
const TIMEOUT = 500
/** What a busy machine may add to it. */
const LENIENCE = 2_000

/** The outcome of a call: get and incr return nothing for a missing version, and add returns that it created one. */
type Outcome = 'miss' | 'found' | Error

/** An epoch different from the initial one of the tests. */
const FOUNDED = '5000'

const KINDS: readonly ((cache: VersionCache, key: string) => Promise<Outcome>)[] = [
  async (cache, key) => ((await cache.get(key)) === undefined ? 'miss' : 'found'),
  async (cache, key) => ((await cache.incr(key)) === undefined ? 'miss' : 'found'),
  async (cache, key) => ((await cache.add(key, FOUNDED)) ? 'miss' : 'found'),
]

/** Calls of every kind, all at once. */
function callAll(cache: VersionCache, key: string): Promise<Outcome[]> {
  return Promise.all(KINDS.map(call => call(cache, key).catch((error: Error) => error)))
}

/** Calls in a loop until stopped, and their outcomes. */
function keepCalling(cache: VersionCache, key: string) {
  const outcomes: Outcome[] = []
  let going = true
  const done = (async () => {
    while (going) {
      outcomes.push(...(await callAll(cache, key)))
      await new Promise(setImmediate)
    }
  })()
  const stop = async () => {
    going = false
    await done
    return outcomes
  }
  return { outcomes, stop }
}

const toNumber = (token: string | undefined) => (token === undefined ? undefined : Number(token))

const toFalse = () => false
const toTrue = () => true

const failed = (outcome: Outcome) => outcome instanceof Error

function expectFaults(outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) expect(outcome).toBeInstanceOf(StoreUnavailableError)
}

/** Calls that cannot be answered: each rejects in time. */
async function expectUnavailable(cache: VersionCache, key: string): Promise<void> {
  const { soon, value: outcomes } = await inTime(TIMEOUT + LENIENCE, () => callAll(cache, key))
  expectFaults(outcomes)
  expect(soon).toBe(true)
}

type Finished = (end: () => Promise<void> | void) => void

async function start(subject: Subject, onFinished: Finished, port?: number): Promise<OwnServer> {
  const server = await subject.start(port === undefined ? {} : { port })
  onFinished(() => server.stop())
  return server
}

async function open(subject: Subject, onFinished: Finished, port: number): Promise<VersionCache> {
  const { cache, end } = await subject.open(port, TIMEOUT)
  onFinished(end)
  return cache
}

/** The first result of a call: clients may need some more failures to notice that the server is back. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  let answer: { value: T } | undefined
  await until(async () => {
    answer = await call().then(
      value => ({ value }),
      () => undefined,
    )
    return answer !== undefined
  }, 'the server answers again')
  return (answer as { value: T }).value
}

/** What happens when the server fails: a failure is never reported as a missing version. */
export function faultsOf(subject: Subject): void {
  // They mostly wait for clients to time out.
  describe.concurrent(subject.name, () => {
    it('killed and restarted under load: a version is missing after the restart and is created again', async context => {
      const key = newKey()
      const server = await start(subject, context.onTestFinished)
      const cache = await open(subject, context.onTestFinished, server.port)
      await untilAnswered(() => cache.add(key, '100'))
      const calls = keepCalling(cache, key)
      await until(() => calls.outcomes.length > 30, 'calls are answered')
      process.kill(server.pid, 'SIGKILL')
      await until(() => calls.outcomes.filter(failed).length > 2, 'calls fail')
      const outcomes = await calls.stop()
      expect(outcomes).not.toContain('miss')
      expectFaults(outcomes.filter(failed))
      await expectUnavailable(cache, key)
      await start(subject, context.onTestFinished, server.port)
      // A client may have kept an earlier call, such as one that creates the version.
      expect([undefined, 5000, 5001, 5002, 5003]).toContain(await untilAnswered(() => cache.get(key)).then(toNumber))
      await untilAnswered(() => cache.add(key, FOUNDED))
      const token = Number(await untilAnswered(() => cache.get(key)))
      expect(Number(await untilAnswered(() => cache.incr(key)))).toBeGreaterThan(token)
    })

    it('frozen: calls reject in time, and after thawing the versions are still there', async context => {
      const key = newKey()
      const server = await start(subject, context.onTestFinished)
      const cache = await open(subject, context.onTestFinished, server.port)
      await untilAnswered(() => cache.add(key, '100'))
      process.kill(server.pid, 'SIGSTOP')
      await until(() => cache.get(key).then(toFalse, toTrue), 'the server has stopped')
      await expectUnavailable(cache, key)
      await expectUnavailable(cache, key)
      process.kill(server.pid, 'SIGCONT')
      const before = Number(await untilAnswered(() => cache.get(key)))
      // Calls sent while it was frozen may count, within this limit: two calls, each sent at most twice.
      expect(before).toBeGreaterThanOrEqual(100)
      expect(before).toBeLessThanOrEqual(104)
      expect(Number(await untilAnswered(() => cache.incr(key)))).toBeGreaterThan(before)
    })

    it.for(['before', 'after'] as const)(
      'cut %s the server receives a call: no version is reported missing',
      async (when, context) => {
        const key = newKey()
        const server = await start(subject, context.onTestFinished)
        const proxy = await startCuttingProxy(server.port)
        context.onTestFinished(() => proxy.close())
        const cache = await open(subject, context.onTestFinished, Number(new URL(proxy.url).port))
        const direct = await open(subject, context.onTestFinished, server.port)
        await untilAnswered(() => direct.add(key, '100'))
        expect(await untilAnswered(() => cache.get(key))).toBe('100')
        for (const call of KINDS) {
          proxy.cut(key, when)
          const outcome = await call(cache, key).catch((error: Error) => error)
          if (outcome !== 'found') expect(outcome).toBeInstanceOf(StoreUnavailableError)
          expect(proxy.cuts).toBeGreaterThan(0)
          expect(await untilAnswered(() => cache.get(key))).toBeDefined()
        }
        expect(Number(await direct.get(key))).toBeLessThanOrEqual(102)
      },
    )

    it('unavailable before the first call: the call rejects, and the next one succeeds once the server is up', async context => {
      const key = newKey()
      const server = await start(subject, context.onTestFinished)
      const cache = await open(subject, context.onTestFinished, server.port)
      await server.stop()
      await expectUnavailable(cache, key)
      await start(subject, context.onTestFinished, server.port)
      await untilAnswered(() => cache.add(key, FOUNDED))
      expect(Number(await untilAnswered(() => cache.get(key)))).toBeGreaterThanOrEqual(5000)
    })
  })
}
