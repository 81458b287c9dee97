import { now } from '../../time/clock.js'
import { pause } from '../waiting.js'
import { type Dialect, dialectOf, runAll } from './dialect.js'
import { isConflict, isCreatedMeanwhile } from './faults.js'
import type { ModelManager } from './manager.js'
import { managerOf } from './recognise.js'
import { versionTables } from './tables.js'
import { finishingStatements } from './unfinished-statements.js'

/** How long others that create the tables, or write, are waited for, in ms. */
const LIMIT = 10_000

/** About how long between two attempts, in ms. */
const PAUSE = 20

/**
 * Creates the tables in which the versions of dictionaries are kept, where they are missing: two for all dictionaries of a database.
 * Any number of processes may call it at the same time. For those who keep no migrations; the others take the statements from
 * `versionTables(dialect)`.
 *
 * @param model - any model of the database, as `ModelDict.open` takes it.
 * @throws whatever the database says, for want of rights say.
 *
 * @example
 * await createTables(kyselyManager(db, 'settings'))
 */
export async function createTables(model: unknown): Promise<void> {
  const manager = managerOf(model)
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
    return
  }
  const locked = [...dialect.bound(LIMIT), dialect.lockTables, ...statements]
  await manager.transaction(session => runAll(session, dialect, locked), { limit: LIMIT })
}
