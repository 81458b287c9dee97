export { type TypeormVersionEntity, typeormVersionEntities } from '../backends/model/definitions/typeorm.js'

import { recognizeTypeorm } from '../backends/model/managers/recognise.js'
import { type CreateTables, createTablesFor } from '../backends/model/versions/create-tables.js'
import { type ModelDict as AnyModelDict, type ModelDictKind, modelDictOf } from '../model-dict.js'

export { type TypeormRepository, typeormManager } from '../backends/model/managers/typeorm/typeorm-manager.js'
export * from './common.js'

/** A dictionary in a model (table) of the application's own database, through its ORM or query builder. */
export type ModelDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = AnyModelDict<T, D, I>

export const ModelDict: ModelDictKind = modelDictOf([recognizeTypeorm])

/**
 * Creates the version tables if they are missing: two tables for all dictionaries of a database. Any number of processes may call it
 * at the same time. If you use migrations, take the statements from `versionTables(dialect)` instead. Rejects with the database's
 * error.
 *
 * @param model - any model of the database, as `ModelDict.open` takes it.
 * @example
 * await createTables(kyselyManager(db, 'settings'))
 */
export const createTables: CreateTables = createTablesFor([recognizeTypeorm])
