// @ts-check
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The programs are in one folder, wherever a link to one of them was found.
 * @param {string} binary @param {string} name
 */
const beside = (binary, name) => join(dirname(realpathSync(binary)), name)

/** @type {import('./types.js').ServerSpec} */
export const postgres = {
  name: 'PostgreSQL',
  variable: 'POSTGRES_URL',
  binaries: ['postgres'],
  folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin'],
  packages: ['postgresql'],
  docker: { image: 'postgres:17', port: 5432, options: ['-e', 'POSTGRES_HOST_AUTH_METHOD=trust'] },
  user: 'postgres',
  // On its first start, the container runs a temporary server without a port.
  ready: /listening on IPv4[\s\S]*ready to accept connections/,
  prepare({ binary, folder }) {
    const text = ['--locale=C.UTF-8', '--encoding=UTF8']
    return [beside(binary, 'initdb'), '--pgdata', folder, '--no-sync', '--auth=trust', '--username=postgres', ...text]
  },
  command({ binary, folder, port }) {
    const settings = [
      `port=${port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'fsync=off',
      'shared_buffers=16MB',
      'max_connections=100',
    ]
    return [beside(binary, 'postgres'), '-D', folder, ...settings.flatMap(setting => ['-c', setting])]
  },
  // SIGTERM waits for its clients to disconnect.
  stopSignal: 'SIGINT',
  url: port => `postgres://postgres@127.0.0.1:${port}/postgres`,
}
