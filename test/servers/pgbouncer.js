// @ts-check
import { join } from 'node:path'

/**
 * In front of a PostgreSQL. Its folder has the file pgbouncer.ini, with the port.
 * @type {import('./types.js').ServerSpec}
 */
export const pgbouncer = {
  name: 'PgBouncer',
  variable: 'PGBOUNCER_URL',
  binaries: ['pgbouncer'],
  folders: ['/usr/sbin'],
  packages: ['pgbouncer'],
  user: 'postgres',
  command: ({ binary, folder }) => [binary, join(folder, 'pgbouncer.ini')],
  stopSignal: 'SIGKILL',
  url: port => `postgres://postgres@127.0.0.1:${port}/postgres`,
}
