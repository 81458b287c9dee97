export {
  type KyselyDatabase,
  type KyselyManagerOptions,
  kyselyManager,
} from '../backends/model/managers/kysely/kysely-manager.js'
export * from './common.js'
export { createTables, ModelDict } from './dict-of-managers.js'
