import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTables, ModelDict } from '../../../src/index.js'
import { mariadb } from '../../servers/mariadb.js'
import { startPausingProxy } from '../../servers/pausing-proxy.js'
import { startServer } from '../../servers/start.js'
import { prismaOnPostgres } from '../prisma/databases.js'
import { type Library, ON_MARIADB, ON_POSTGRESQL } from './libraries.js'

/** In ms. */
const TIMEOUT = 1_000
/** The number of silences in a row that lose all connections of a pool. */
const SILENCES = 2
/** The longest recovery after the calls during the silence have rejected, in ms: generous, for a busy machine. */
const RECOVERY = 10_000

/** Calls until one resolves. */
async function untilItAnswers(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (;;) {
    const answered = await call().then(
      () => true,
      () => false,
    )
    const took = performance.now() - start
    if (answered) return took
    expect(took).toBeLessThan(RECOVERY)
  }
}

/** @param forGood - whether the connections stay silent, or deliver everything that was held back. */
async function recovers(server: { port: number; url: string }, library: Library, forGood: boolean): Promise<number[]> {
  const proxy = await startPausingProxy(server.port)
  const opened = await library(server.url.replace(`:${server.port}`, `:${proxy.port}`))
  const times: number[] = []
  try {
    await createTables(opened.model)
    const dict = await ModelDict.open(opened.model, { ...opened.options, timeout: TIMEOUT })
    for (let silence = 0; silence < SILENCES; silence += 1) {
      await untilItAnswers(() => Promise.all([dict.get('a'), dict.set('a', silence)]))
      forGood ? proxy.freeze() : proxy.pause(true)
      const calls = [dict.get('a'), dict.set('b', silence), dict.sync()]
      await Promise.allSettled(calls)
      if (!forGood) proxy.pause(false)
      times.push(await untilItAnswers(() => Promise.all([dict.set('c', silence), dict.get('a')])))
    }
    await dict.close()
  } finally {
    proxy.close()
    await opened.end()
  }
  return times
}

/** Printed for the table in the docs: `DURABLEDICT_TIMES=1 npx vitest run test/model/managers/silence.test.ts`. */
const measured: string[] = []
afterAll(() => process.env.DURABLEDICT_TIMES && console.log(measured.join('\n')))

function silences(
  name: string,
  start: () => Promise<{ server: { port: number; url: string }; end(): Promise<unknown> }>,
  libraries: Readonly<Record<string, Library>>,
) {
  describe.concurrent(`a network that goes silent repeatedly before ${name}`, () => {
    let started: Awaited<ReturnType<typeof start>>
    beforeAll(async () => {
      started = await start()
    })
    afterAll(() => started?.end())
    for (const [library, open] of Object.entries(libraries)) {
      // Libraries that expose no connection keep those that never respond: only TCP ends them.
      const forGood = library !== 'Kysely' && library !== 'Prisma'
      it(`leaks no connection of ${library}, silent ${forGood ? 'for good' : 'for a while'}`, async () => {
        const times = await recovers(started.server, open, forGood)
        measured.push(`${name}, ${library}: ${times.map(Math.round).join(', ')} ms`)
      })
    }
  })
}

silences(
  'PostgreSQL',
  async () => {
    const database = await prismaOnPostgres()
    const { port } = new URL(database.url)
    const client = new pg.Client(database.url)
    await client.connect()
    await client.query('CREATE TABLE entries (key varchar(512) PRIMARY KEY, value text NOT NULL)')
    await client.end()
    return { server: { url: database.url, port: Number(port) }, end: () => database.end() }
  },
  ON_POSTGRESQL,
)

silences(
  'MariaDB',
  async () => {
    const server = await startServer(mariadb)
    const connection = await mysql.createConnection({ uri: server.url })
    const text = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL'
    await connection.query(`CREATE TABLE entries (\`key\` varchar(512) ${text} PRIMARY KEY, value longtext ${text})`)
    await connection.end()
    return { server: { url: server.url, port: server.port as number }, end: () => server.stop() }
  },
  ON_MARIADB,
)
