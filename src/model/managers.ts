// What wraps the models of each library, and the tables of the versions as each has them.
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
} from '../backends/model/managers/drizzle.js'
export { type KnexInstance, type KnexManagerOptions, knexManager } from '../backends/model/managers/knex.js'
export { type KyselyDatabase, type KyselyManagerOptions, kyselyManager } from '../backends/model/managers/kysely.js'
export { prismaManager } from '../backends/model/managers/prisma.js'
export { type SequelizeModel, sequelizeManager } from '../backends/model/managers/sequelize.js'
export { type TypeormRepository, typeormManager } from '../backends/model/managers/typeorm.js'
