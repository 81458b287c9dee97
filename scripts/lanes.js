// @ts-check
/**
 * @typedef {object} Lane
 * @property {string} covers one line, for the list of lanes
 * @property {readonly string[]} include
 * @property {readonly string[]} [exclude]
 */

/**
 * The test files by lane: each belongs to exactly one. `npm test` runs all lanes, `npm run test:redis` one.
 * @type {Readonly<Record<string, Lane>>}
 */
export const LANES = {
  quick: {
    covers: 'unit tests, conformance of Memory and SQLite; no server',
    include: [
      'test/{unit,errors,memory,properties,fuzz,prose,last-known}/**/*.test.ts',
      'test/hostile/{core,encodings}.test.ts',
      'test/sqlite/conformance.test.ts',
    ],
    exclude: ['test/unit/servers*.test.ts', 'test/unit/encodings/pickle/stores.test.ts'],
  },
  sqlite: {
    covers: 'SQLite: files, locks, rights, durability, several processes, newer Node',
    include: ['test/sqlite/**/*.test.ts', 'test/hostile/sqlite.test.ts'],
    exclude: ['test/sqlite/conformance.test.ts'],
  },
  redis: {
    covers: 'Redis by each client; clusters, sentinels, Valkey, failover',
    include: ['test/redis/**/*.test.ts', 'test/hostile/redis.test.ts'],
  },
  model: {
    covers: 'models by each ORM, on PostgreSQL, MariaDB and SQLite',
    include: ['test/model/**/*.test.ts', 'test/hostile/model*.test.ts'],
  },
  postgres: {
    covers: 'PostgreSQL without an ORM, by each client',
    include: ['test/postgres/**/*.test.ts'],
  },
  zookeeper: {
    covers: 'ZooKeeper: one server, ensembles, several processes',
    include: ['test/zookeeper/**/*.test.ts', 'test/hostile/zookeeper*.test.ts'],
  },
  web: {
    covers: 'web frameworks, and caches: memory, Redis, Memcached',
    include: ['test/{web,caches}/**/*.test.ts'],
  },
  console: {
    covers: 'the console: its routes in process, its page in Chromium',
    include: ['test/console/**/*.test.ts'],
  },
  cli: {
    covers: 'the command line: on SQLite, Redis, PostgreSQL and ZooKeeper',
    include: ['test/cli/**/*.test.ts'],
  },
  programs: {
    covers: 'conformance under any runner, torture, bench, demo, docs, examples, the test servers',
    include: [
      'test/{conformance,torture,bench,demo,docs,examples}/**/*.test.ts',
      'test/unit/servers*.test.ts',
      'test/unit/encodings/pickle/stores.test.ts',
    ],
  },
  consumers: {
    covers: 'the packed library as users install it: bundlers, Jest, Next, Bun, Deno, TypeScript',
    include: ['test/consumers/**/*.test.ts'],
  },
}
