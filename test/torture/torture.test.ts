import { beforeAll, describe, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { play } from '../../torture/conductor/scene.js'
import { report } from '../../torture/report.js'
import * as modelMariadb from '../../torture/stores/model-mariadb/store.js'
import * as modelPostgres from '../../torture/stores/model-postgres/store.js'
import * as modelSqlite from '../../torture/stores/model-sqlite/store.js'
import * as postgres from '../../torture/stores/postgres/store.js'
import * as redis from '../../torture/stores/redis/store.js'
import * as cluster from '../../torture/stores/redis-cluster/store.js'
import * as sentinel from '../../torture/stores/sentinel/store.js'
import * as sqlite from '../../torture/stores/sqlite/store.js'
import * as zookeeper from '../../torture/stores/zookeeper/store.js'
import { LONG } from '../form.js'

const random = `${Math.floor(Math.random() * 1e9)}`

beforeAll(() => prepare({ build: true }))

// The long form: npm run torture -- --minutes 10
describe('processes, clients and servers that fail in every way', { timeout: 90_000 }, () => {
  it.each([
    ['pair', 'fixed', true],
    ['forgetful', random, false],
  ] as const)('break no promise: a %s server, seed %s', async (topology, seed, small) => {
    const { violations, undecided, figures } = await play(redis, seed, LONG ? 30_000 : 6_000, { topology, small })
    expect(report(violations)).toBe('')
    expect(undecided).toEqual([])
    expect(figures.get('set')).toBeGreaterThan(100)
    expect([...figures.keys()]).toContain('commits')
    expect(figures.get('everywhere, by acknowledgement')).toBeGreaterThan(0)
  })

  it('break no promise: an SQLite file, by two engines', async () => {
    const { violations, undecided, figures } = await play(
      sqlite,
      random,
      LONG ? 30_000 : 4_000,
      LONG ? {} : sqlite.plain,
    )
    expect(report(violations)).toBe('')
    expect(undecided).toEqual([])
    expect(figures.get('everywhere, by acknowledgement')).toBeGreaterThan(0)
  })
})

// The seeds begin with a fault of a server, which a random seed of the long form need not have.
describe('servers that fail in every way', { timeout: 240_000 }, () => {
  it.each([
    ['a cluster, whose slot moves', cluster, '6'],
    ['a pair with sentinels, whose primary is killed', sentinel, '8'],
    ['a ZooKeeper ensemble, whose leader is killed', zookeeper, '6'],
    ['PostgreSQL, which is killed', postgres, '24'],
    ['models on PostgreSQL, which is killed', modelPostgres, '8'],
    ['models on MariaDB, which is killed', modelMariadb, '21'],
    ['models on SQLite, with a copy that is restored', modelSqlite, 'tt1'],
  ] as const)('breaks no promise: %s', async (_name, store, seed) => {
    const { violations, undecided, figures } = await play(store, LONG ? random : seed, LONG ? 30_000 : 4_000)
    expect(report(violations)).toBe('')
    expect(undecided).toEqual([])
    expect(figures.get('commits')).toBeGreaterThan(0)
  })
})
