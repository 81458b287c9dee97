// @ts-check
/** @type {import('./types.js').ServerSpec} */
export const redis = {
  name: 'Redis',
  variable: 'REDIS_URL',
  binaries: ['redis-server'],
  packages: ['redis-server'],
  docker: { image: 'redis:7', port: 6379 },
  ready: /Ready to accept connections/,
  command({ binary, folder, port }) {
    return [binary, '--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes']
  },
  url: port => `redis://127.0.0.1:${port}`,
}
