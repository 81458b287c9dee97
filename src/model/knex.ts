export {
  type KnexInstance,
  type KnexManagerOptions,
  knexManager,
} from '../backends/model/managers/knex/knex-manager.js'
export * from './common.js'
export { createTables, ModelDict } from './dict-of-managers.js'
