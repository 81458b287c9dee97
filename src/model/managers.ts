// The managers of each library's models, and the version tables in each library's format.
export {
  type DrizzleBuilders,
  type DrizzleVersionTables,
  drizzleVersionTables,
} from '../backends/model/definitions/drizzle.js'
export { prismaVersionModels } from '../backends/model/definitions/prisma.js'
export { type TypeormVersionEntity, typeormVersionEntities } from '../backends/model/definitions/typeorm.js'
export {
  type DrizzleDatabase,
  type DrizzleManagerOptions,
  type DrizzleTable,
  drizzleManager,
} from '../backends/model/managers/drizzle/drizzle-manager.js'
export {
  type KnexInstance,
  type KnexManagerOptions,
  knexManager,
} from '../backends/model/managers/knex/knex-manager.js'
export {
  type KyselyDatabase,
  type KyselyManagerOptions,
  kyselyManager,
} from '../backends/model/managers/kysely/kysely-manager.js'
export { prismaManager } from '../backends/model/managers/prisma/prisma-manager.js'
export { type SequelizeModel, sequelizeManager } from '../backends/model/managers/sequelize/sequelize-manager.js'
export { type TypeormRepository, typeormManager } from '../backends/model/managers/typeorm/typeorm-manager.js'
