import { afterAll, beforeAll, describe, test } from 'vitest'
import { LONG } from '../form.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { zookeeper } from '../servers/zookeeper.js'
import { bundlers } from './cases/bundlers.js'
import type { Case, ServerName } from './cases/case.js'
import { commandLine } from './cases/command-line.js'
import { copies } from './cases/copies.js'
import { drizzleKit } from './cases/drizzle-kit.js'
import { jest } from './cases/jest.js'
import { nest } from './cases/nest.js'
import { next } from './cases/next.js'
import { runtimes } from './cases/runtimes.js'
import { types } from './cases/types.js'
import { freshFolder, installPackage } from './place.js'
import { TOOLS } from './tools.js'

const ALL: readonly Case[] = [
  ...bundlers,
  ...copies,
  ...commandLine,
  ...jest,
  ...types,
  ...runtimes,
  ...nest,
  ...drizzleKit,
  ...next,
]

/** `npm run test:consumers` runs all of them, and `npm test` those that take a second or two. */
const cases = LONG ? ALL : ALL.filter(({ short }) => short)

const SPECS = { redis, zookeeper }
const VARIABLES = { redis: 'REDIS_URL', zookeeper: 'ZOOKEEPER' }

const servers: Server[] = []
const env: Record<string, string | undefined> = {
  ...process.env,
  NODE_OPTIONS: '',
  VITEST: undefined,
  NODE_ENV: undefined,
}
let installed: Awaited<ReturnType<typeof installPackage>>

beforeAll(async () => {
  installed = await installPackage()
  const names = new Set<ServerName>(cases.flatMap(({ servers = [] }) => servers))
  for (const name of names) {
    const server = await startServer(SPECS[name])
    servers.push(server)
    env[VARIABLES[name]] = server.url.replace(/^zookeeper:\/\//, '')
  }
})

afterAll(async () => {
  await installed?.remove()
  for (const server of servers) await server.stop()
  const tools = new Set(cases.flatMap(each => each.tools))
  console.table(
    Object.fromEntries([
      ['node', process.versions.node],
      ...[...tools].flatMap(name => Object.entries(TOOLS[name] ?? {})),
    ]),
  )
})

describe('the packed library, installed into an empty folder', () => {
  test.each(cases)('$name', { timeout: 300_000 }, async ({ tools, run, ...options }) => {
    const { folder, remove } = await freshFolder(installed.modules, tools, options)
    try {
      await run({ folder, env, short: !LONG })
    } finally {
      await remove()
    }
  })
})
