import { beforeAll, describe, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { limitOf, perform } from '../../torture/controls/control.js'
import { controlsOf } from '../../torture/controls/controls.js'
import * as modelMariadb from '../../torture/stores/model-mariadb/store.js'
import * as modelPostgres from '../../torture/stores/model-postgres/store.js'
import * as modelSqlite from '../../torture/stores/model-sqlite/store.js'
import * as postgres from '../../torture/stores/postgres/store.js'
import * as redis from '../../torture/stores/redis/store.js'
import * as cluster from '../../torture/stores/redis-cluster/store.js'
import * as sentinel from '../../torture/stores/sentinel/store.js'
import * as sqlite from '../../torture/stores/sqlite/store.js'
import * as zookeeper from '../../torture/stores/zookeeper/store.js'
import type { Store } from '../../torture/types.js'
import { LONG } from '../form.js'

/** How many of its own controls each other store performs in the short form. */
const FEW = 2

/** Each scene starts several servers, or one that starts slowly. */
const SLOW: Record<string, Store> = {
  PostgreSQL: postgres,
  'models on PostgreSQL': modelPostgres,
  'models on MariaDB': modelMariadb,
  'models on SQLite': modelSqlite,
  ZooKeeper: zookeeper,
  'Redis Cluster': cluster,
  'Redis Sentinel': sentinel,
}

const OTHERS: Record<string, Store> = { SQLite: sqlite, ...(LONG && SLOW) }

const STORES = [
  { name: 'Redis', store: redis as Store, controls: controlsOf(redis) },
  ...Object.entries(OTHERS).map(([name, store]) => ({
    name,
    store,
    controls: LONG ? controlsOf(store) : store.controls.slice(0, FEW),
  })),
]

beforeAll(() => prepare({ build: true }))

// Without these, a checker that finds nothing would prove nothing.
// Some play their scene several times, and each starts processes.
describe.each(STORES)('the torture test on $name', { timeout: 240_000 }, ({ store, controls }) => {
  for (const control of controls) {
    it.concurrent(`detects a violation of this rule: ${control.rule}`, async () => {
      const { violations, seconds } = await perform(store, control, { broken: true })
      expect(violations).not.toEqual([])
      expect(seconds).toBeLessThan(limitOf(control))
    })
  }

  // torture.test.ts covers the unchanged build too. Some rules share a scene.
  for (const control of LONG ? new Map(controls.map(one => [one.play, one])).values() : []) {
    it.concurrent(`accepts a history that keeps this rule: ${control.rule}`, async () => {
      const { violations } = await perform(store, control, { broken: false })
      expect(violations).toEqual([])
    })
  }
})
