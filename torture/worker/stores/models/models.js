// @ts-check
/** @import { Channel } from '../lossy.js' */
/** @typedef {typeof import('../../../../dist/index.js')} Library */

/** The table of the entries. */
export const TABLE = 'settings'

/**
 * An ORM or query builder that is connected to a database.
 * @typedef {object} Client
 * @property {(library: Library) => any} managerIn the manager of the table, by a build of the library
 * @property {() => unknown} disconnect
 * @property {((ms: number) => Promise<unknown>) | undefined} [occupy] holds all connections of its pool
 * @property {((channel?: Channel) => Promise<any>) | undefined} [listen] resolves with a new connection for notifications
 */

/** The clients of a database, by the name of the library. @typedef {(library: string, url: string) => Promise<Client>} ConnectTo */

/** By dialect. @type {Readonly<Record<'postgresql' | 'mysql' | 'sqlite', () => Promise<ConnectTo>>>} */
export const MODELS = {
  mysql: async () => (await import('./mariadb.js')).connectTo,
  postgresql: async () => (await import('./postgres.js')).connectTo,
  sqlite: async () => (await import('./sqlite.js')).connectTo,
}
