import { setImmediate } from '../../../time/clock.js'
import { errorsInside } from '../../sql/sql-codes.js'
import type { ModelManager, ModelSession } from './manager.js'

/**
 * libsql (0.5, also inside `@libsql/client` and Prisma's adapter) does not reset a prepared statement that failed with
 * SQLITE_BUSY. While it is unfinished, its connection keeps the snapshot and the lock of whatever it reads next: reads are
 * stale, COMMIT fails, other programs cannot write. Only its finalizer ends it, since no library hands the statement out.
 * So after such a failure, garbage is collected before anything else is read from any connection.
 */
let failures = 0
let cleaned: Promise<unknown> = Promise.resolve()

/** A manager of SQLite whose calls leave no unfinished statement behind, and do not read past one. */
export function finishingStatements(manager: ModelManager): ModelManager {
  const query: ModelManager['query'] = (sql, parameters) => settled(() => manager.query(sql, parameters), true)
  const transaction: ModelManager['transaction'] = (work, options) =>
    settled(
      call => manager.transaction(session => work(watched(session, call)), options),
      options.isolation === 'snapshot',
    )
  const own: Readonly<Record<PropertyKey, unknown>> = { query, transaction }
  return new Proxy(manager, {
    get(target, name) {
      const value = own[name] ?? Reflect.get(target, name, target)
      return typeof value === 'function' && own[name] === undefined ? value.bind(target) : value
    },
  })
}

/** One call, and whether it has left a statement unfinished. */
class Call {
  failed = false
  #end = () => {}

  note(error: unknown): void {
    if (this.failed || !isUnfinished(error)) return
    this.failed = true
    failures += 1
    letGo(error)
    const ended = new Promise<void>(resolve => {
      this.#end = resolve
    })
    cleaned = Promise.all([cleaned, ended])
  }

  async clean(): Promise<void> {
    if (!this.failed) return
    await collectGarbage().catch(() => {})
    this.#end()
  }
}

/** @param repeatable - whether the call only reads: it is repeated when another one may have given it an old snapshot. */
async function settled<V>(work: (call: Call) => Promise<V>, repeatable: boolean): Promise<V> {
  for (;;) {
    await cleaned
    const before = failures
    const call = new Call()
    try {
      const value = await work(call)
      if (!repeatable || before === failures) return value
    } catch (error) {
      call.note(error)
      throw error
    } finally {
      await call.clean()
    }
  }
}

/** The same session. A failure is noted at once, since others may read while the transaction is rolled back. */
function watched(session: ModelSession, call: Call): ModelSession {
  const watch =
    <A extends unknown[], V>(method: (...args: A) => Promise<V>) =>
    async (...args: A): Promise<V> => {
      try {
        return await method.apply(session, args)
      } catch (error) {
        call.note(error)
        throw error
      }
    }
  const { query, rows, create, update, remove, removeAll } = session
  return {
    query: watch(query),
    rows: watch(rows),
    create: watch(create),
    update: watch(update),
    remove: watch(remove),
    removeAll: watch(removeAll),
  }
}

/** SQLITE_BUSY, plain or extended, as libsql and Prisma's adapter for it give it. Other drivers reset their statements. */
function isUnfinished(error: unknown): boolean {
  for (const { rawCode, originalCode, kind } of errorsInside(error)) {
    const code = typeof rawCode === 'number' ? rawCode : kind === 'SocketTimeout' ? Number(originalCode) : undefined
    if (code !== undefined && (code & 0xff) === SQLITE_BUSY) return true
  }
  return false
}

const SQLITE_BUSY = 5

/** V8 keeps the statement, which threw the error, until the error's stack is read for the first time. */
function letGo(error: unknown): void {
  for (const { stack } of errorsInside(error)) void stack
}

/** Collects all garbage. Finalizers run in the turns of the event loop after it. */
async function collectGarbage(): Promise<void> {
  collector ??= findCollector()
  await (await collector)()
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>(resolve => setImmediate(resolve))
}

let collector: Promise<() => unknown> | undefined

/** V8's own function, which takes a third of the time; where flags cannot be set, that of the inspector's protocol. */
async function findCollector(): Promise<() => unknown> {
  try {
    const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')])
    setFlagsFromString('--expose-gc')
    return runInNewContext('gc') as () => unknown
  } catch {
    return collectByInspector
  }
}

async function collectByInspector(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connect()
  await new Promise<void>((resolve, reject) =>
    session.post('HeapProfiler.collectGarbage', error => (error ? reject(error) : resolve())),
  )
  session.disconnect()
}
