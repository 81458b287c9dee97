export {
  type DrizzleBuilders,
  type DrizzleVersionTables,
  drizzleVersionTables,
} from '../backends/model/definitions/drizzle.js'
export {
  type DrizzleDatabase,
  type DrizzleManagerOptions,
  type DrizzleTable,
  drizzleManager,
} from '../backends/model/managers/drizzle/drizzle-manager.js'
export * from './common.js'
export { createTables, ModelDict } from './dict-of-managers.js'
