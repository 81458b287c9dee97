import { dialectOf } from './dialect.js'
import { managerOf } from './recognise.js'
import { versionTables } from './tables.js'

/**
 * Creates the tables in which the versions of dictionaries are kept, where they are missing: two for all dictionaries of a database.
 * For those who keep no migrations; the others take the statements from `versionTables(dialect)`.
 *
 * @param model - any model of the database, as `ModelDict.open` takes it.
 * @throws whatever the database says, for want of rights say.
 */
export async function createTables(model: unknown): Promise<void> {
  const manager = managerOf(model)
  dialectOf(manager)
  for (const statement of versionTables(manager.dialect)) await manager.query(statement, [])
}
