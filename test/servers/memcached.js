// @ts-check
/** @type {import('./types.js').ServerSpec} */
export const memcached = {
  name: 'memcached',
  variable: 'MEMCACHED_URL',
  binaries: ['memcached'],
  packages: ['memcached'],
  docker: { image: 'memcached:1.6', port: 11211 },
  user: 'nobody',
  command({ binary, port }) {
    return [binary, '--listen=127.0.0.1', `--port=${port}`, '--udp-port=0', '--memory-limit=16']
  },
  // It stores nothing, and takes a second to obey SIGTERM.
  stopSignal: 'SIGKILL',
  url: port => `memcached://127.0.0.1:${port}`,
}
