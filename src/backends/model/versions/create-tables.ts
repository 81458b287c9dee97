import { now } from '../../../time/clock.js'
import { pause } from '../../../time/pause.js'
import { type Dialect, run, runAll } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import { isConflict, isCreatedMeanwhile } from '../../sql/error-kinds.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { triggersOf } from '../../sql/triggers/triggers.js'
import { missingColumns } from '../history/tables.js'
import { guarded } from '../managers/guarded-manager.js'
import type { ModelManager } from '../managers/manager.js'
import { managerOf } from '../managers/manager-of.js'
import type { Recognizer } from '../managers/recognise.js'
import { finishingStatements } from '../managers/unfinished-statements.js'
import { inspect } from '../table/inspection.js'
import { triggeredTable, triggerState } from '../triggers/model-triggers.js'
import { versionTables } from './tables.js'

/** How long others that create the tables, or write, are waited for, in ms. */
const LIMIT = 10_000

/** About how long between two attempts, in ms. */
const PAUSE = 20

/** Options of `createTables`. Those beside `triggers` are as in `ModelDict.open`. */
export interface CreateTablesOptions {
  /**
   * Whether to create triggers on the model's table, so that dictionaries follow changes by any program. Triggers of an earlier
   * release are replaced. The user must own the table. Default `false`.
   *
   * @example
   * await createTables(prisma.setting, { triggers: true })
   */
  readonly triggers?: boolean | undefined
  /** The dictionary's name. Default: the model's. */
  readonly name?: string | undefined
  /** The model's name of the key column. Default `'key'`. */
  readonly keyCol?: string | undefined
  /** The model's name of the value column. Default `'value'`. */
  readonly valueCol?: string | undefined
  /** Whether a change of any column is a change. Default `false`. */
  readonly returnInstances?: boolean | undefined
}

/** Creates the tables of the versions, in the database of a model. */
export type CreateTables = (model: unknown, options?: CreateTablesOptions) => Promise<void>

/** A function that takes any model of the database, as `ModelDict.open` does: one that these recognize, or a manager. */
export function createTablesFor(recognizers: readonly Recognizer[]): CreateTables {
  return (model, options = {}) => createTables(managerOf(model, recognizers), options)
}

async function createTables(model: ModelManager, options: CreateTablesOptions): Promise<void> {
  const manager = guarded(model, LIMIT)
  const dialect = dialectOf(manager)
  const whole = manager.dialect === 'sqlite' ? finishingStatements(manager) : manager
  await untilDone(() => create(whole, dialect))
  if (options.triggers) await untilDone(() => createTriggers(whole, dialect, options))
}

async function untilDone(work: () => Promise<void>): Promise<void> {
  const end = now() + LIMIT
  for (;;) {
    try {
      await work()
      return
    } catch (error) {
      if (now() > end || !(isConflict(error) || isCreatedMeanwhile(error))) throw error
      await pause(PAUSE)
    }
  }
}

/** Under a lock in PostgreSQL, whose IF NOT EXISTS does not hold among transactions at the same time. */
async function create(manager: ModelManager, dialect: Dialect): Promise<void> {
  const statements = versionTables(manager.dialect).map(sql => ({ sql, parameters: [] }))
  if (!dialect.lockTables) {
    await runAll(manager, dialect, statements)
    await addColumns(manager, dialect)
    return
  }
  const locked = [...dialect.bound(LIMIT), dialect.lockTables, ...statements]
  await manager.transaction(
    async session => {
      await runAll(session, dialect, locked)
      await addColumns(session, dialect)
    },
    { limit: LIMIT },
  )
}

/** Leaves alone what is as it must be: the statements wait for all transactions that have changed the table. */
async function createTriggers(manager: ModelManager, dialect: Dialect, options: CreateTablesOptions): Promise<void> {
  const { keyCol = 'key', valueCol = 'value', returnInstances = false, name: dictionary = manager.model } = options
  const inspection = await inspect({ manager, dialect, dictionary, keyCol, valueCol, keepsVersions: true })
  const table = triggeredTable(dialect, dictionary, inspection, returnInstances)
  if ((await triggerState(manager, manager, dialect, table)) === 'current') return
  const statements = triggersOf(manager.dialect).create(table)
  const runEach = async (session: SqlSession) => {
    for (const sql of statements) await session.query(sql, [])
  }
  const first = dialect.lockTables ? [...dialect.bound(LIMIT), dialect.lockTables] : []
  const work = async (session: SqlSession) => {
    await runAll(session, dialect, first)
    await runEach(session)
  }
  try {
    await manager.transaction(work, { limit: LIMIT })
  } catch (error) {
    // Another process may have created them in the meantime.
    if ((await triggerState(manager, manager, dialect, table)) !== 'current') throw error
  }
}

/** Those that tables of an earlier release lack. */
async function addColumns(session: SqlSession, dialect: Dialect): Promise<void> {
  for (const sql of await missingColumns(session, dialect)) await run(session, dialect, { sql, parameters: [] })
}
