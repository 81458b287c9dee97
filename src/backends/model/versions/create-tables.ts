import { now } from '../../../time/clock.js'
import { pause } from '../../../time/pause.js'
import { type Dialect, run, runAll } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import { isConflict, isCreatedMeanwhile } from '../../sql/error-kinds.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { missingColumns } from '../history/tables.js'
import { guarded } from '../managers/guarded-manager.js'
import type { ModelManager } from '../managers/manager.js'
import { managerOf } from '../managers/manager-of.js'
import type { Recognizer } from '../managers/recognise.js'
import { finishingStatements } from '../managers/unfinished-statements.js'
import { versionTables } from './tables.js'

/** How long others that create the tables, or write, are waited for, in ms. */
const LIMIT = 10_000

/** About how long between two attempts, in ms. */
const PAUSE = 20

/** Creates the tables of the versions, in the database of a model. */
export type CreateTables = (model: unknown) => Promise<void>

/** A function that takes any model of the database, as `ModelDict.open` does: one that these recognize, or a manager. */
export function createTablesFor(recognizers: readonly Recognizer[]): CreateTables {
  return model => createTables(managerOf(model, recognizers))
}

async function createTables(model: ModelManager): Promise<void> {
  const manager = guarded(model, LIMIT)
  const dialect = dialectOf(manager)
  const whole = manager.dialect === 'sqlite' ? finishingStatements(manager) : manager
  const end = now() + LIMIT
  for (;;) {
    try {
      await create(whole, dialect)
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

/** Those that tables of an earlier release lack. */
async function addColumns(session: SqlSession, dialect: Dialect): Promise<void> {
  for (const sql of await missingColumns(session, dialect)) await run(session, dialect, { sql, parameters: [] })
}
