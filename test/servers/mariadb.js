// @ts-check
const EMPTY_PASSWORD = ['-e', 'MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1', '-e', 'MARIADB_DATABASE=test']

/** @type {import('./types.js').ServerSpec} */
export const mariadb = {
  name: 'MariaDB',
  variable: 'MARIADB_URL',
  binaries: ['mariadbd'],
  packages: ['mariadb-server'],
  docker: { image: 'mariadb:11', port: 3306, options: EMPTY_PASSWORD },
  user: 'mysql',
  // On its first start, the container runs a temporary server without a port.
  ready: /ready for connections\.\s+Version: .* port: [1-9]/,
  prepare({ prefix, folder }) {
    const program = [`${prefix}/usr/bin/mariadb-install-db`, '--no-defaults', `--basedir=${prefix}/usr`]
    return [...program, `--datadir=${folder}`, '--skip-name-resolve', '--auth-root-authentication-method=normal']
  },
  command({ binary, prefix, folder, port }) {
    return [
      ...[binary, '--no-defaults', `--basedir=${prefix}/usr`, `--datadir=${folder}`],
      ...[`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
      // Relative to the data folder: the full path of a socket has to be short.
      '--socket=socket',
      // A starting server removes the files of others from a shared folder for temporary tables, which ends them.
      `--tmpdir=${folder}`,
      '--innodb-buffer-pool-size=16M',
      '--innodb-log-file-size=8M',
      // A commit survives the end of the process, but not of the machine.
      '--innodb-flush-log-at-trx-commit=2',
    ]
  },
  url: port => `mysql://root@127.0.0.1:${port}/test`,
}
