// What wraps the models of each library.
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
