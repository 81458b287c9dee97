import { once } from 'node:events'
import { connect } from 'node:net'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { mariadb } from '../servers/mariadb.js'
import { memcached } from '../servers/memcached.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'

// Whatever the environment points at, these tests start their own servers.
beforeEach(() => {
  for (const { variable } of [mariadb, memcached, postgres]) vi.stubEnv(variable, '')
})
afterEach(() => vi.unstubAllEnvs())

/** The first may have to install it. */
const INSTALLING = 300_000

describe('a test server', () => {
  it(
    'is PostgreSQL in UTF-8 and stops at once although a client is connected',
    async () => {
      const server = await startServer(postgres)
      const client = new pg.Client(server.url)
      const errors: Error[] = []
      client.on('error', error => errors.push(error))
      await client.connect()
      const { rows } = await client.query('SHOW server_encoding')
      expect(rows).toEqual([{ server_encoding: 'UTF8' }])
      const ended = new Promise<void>(resolve => client.once('end', resolve))
      await server.stop()
      await ended
      expect(errors[0]).toMatchObject({ code: '57P01' })
    },
    INSTALLING,
  )

  it(
    'has a copy of the folder that was prepared once, for itself',
    async () => {
      const servers = await Promise.all([startServer(postgres), startServer(postgres)])
      const ids: unknown[] = []
      for (const { url } of servers) {
        const client = new pg.Client(url)
        await client.connect()
        await client.query('CREATE TABLE numbers (n int)')
        ids.push((await client.query('SELECT system_identifier FROM pg_control_system()')).rows)
        await client.end()
      }
      await Promise.all(servers.map(server => server.stop()))
      expect(ids[0]).toEqual(ids[1])
    },
    INSTALLING,
  )

  it(
    'is MariaDB in UTF-8',
    async () => {
      const server = await startServer(mariadb)
      const client = await mysql.createConnection(server.url)
      const [rows] = await client.query("SELECT DATABASE() AS name, CAST('🌱' AS CHAR) AS plant, USER() AS user")
      expect(rows).toEqual([{ name: 'test', plant: '🌱', user: 'root@127.0.0.1' }])
      await client.query('CREATE TABLE numbers (n INT PRIMARY KEY) ENGINE = InnoDB')
      await client.end()
      await server.stop()
    },
    INSTALLING,
  )

  it(
    'is memcached',
    async () => {
      const server = await startServer(memcached)
      const socket = connect(Number(server.port), '127.0.0.1').setEncoding('utf8')
      socket.write('add key 0 0 5\r\nvalue\r\n')
      expect(await once(socket, 'data')).toEqual(['STORED\r\n'])
      socket.destroy()
      await server.stop()
    },
    INSTALLING,
  )
})
