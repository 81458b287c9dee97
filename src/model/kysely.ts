export { type KyselyDatabase, type KyselyManagerOptions, kyselyManager } from '../backends/model/managers/kysely.js'
export * from './common.js'
export { createTables, ModelDict } from './dict-of-managers.js'
