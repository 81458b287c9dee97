// @ts-check
// Runs the tests of each peer dependency on the lowest and on the highest version that package.json allows:
// `npm run test:peers`, or `npm run test:peers -- redis kysely --lowest`, or `npm run test:peers -- redis@5.1.0`.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.js'
import { addPackages } from './overlay.js'
import { root, run, runOrThrow } from './run.js'

/**
 * The tests of a peer dependency, and the packages whose version goes with its own.
 * @type {Record<string, { tests: string[], along?: string[] }>}
 */
const PEERS = {
  '@nestjs/core': {
    tests: ['test/web/nestjs.test.ts', 'test/web/nestjs-module.test.ts'],
    along: ['@nestjs/common', '@nestjs/platform-express', '@nestjs/platform-fastify'],
  },
  '@openfeature/flagd-core': { tests: ['test/unit/flags/evaluation-feature.test.ts'] },
  '@openfeature/server-sdk': { tests: ['test/unit/flags/provider.test.ts'], along: ['@openfeature/core'] },
  '@opentelemetry/api': { tests: ['test/unit/telemetry/opentelemetry.test.ts'] },
  'prom-client': { tests: ['test/unit/telemetry/prometheus.test.ts'] },
  '@prisma/client': {
    tests: ['test/model/conformance-prisma.test.ts', 'test/model/dict-prisma.test.ts'],
    along: ['prisma', '@prisma/adapter-pg', '@prisma/adapter-libsql'],
  },
  'drizzle-orm': { tests: ['test/model/conformance-drizzle.test.ts', 'test/model/managers/drizzle.test.ts'] },
  express: { tests: ['test/web/express.test.ts'] },
  fastify: { tests: ['test/web/fastify.test.ts'] },
  hono: { tests: ['test/web/hono.test.ts'] },
  ioredis: { tests: ['test/redis/conformance-ioredis.test.ts'] },
  knex: { tests: ['test/model/conformance-knex.test.ts', 'test/model/managers/knex.test.ts'] },
  koa: { tests: ['test/web/koa.test.ts'] },
  kysely: { tests: ['test/model/conformance-kysely.test.ts', 'test/model/managers/kysely.test.ts'] },
  libsql: { tests: ['test/sqlite/conformance.test.ts', 'test/sqlite/handles.test.ts'] },
  'memcache-client': { tests: ['test/caches/clients-memcached.test.ts'] },
  memjs: { tests: ['test/caches/clients-memcached.test.ts'] },
  'node-zookeeper-client': { tests: ['test/zookeeper/conformance-client.test.ts'] },
  pg: { tests: ['test/model/conformance-kysely.test.ts', 'test/model/conformance-drizzle.test.ts'] },
  redis: { tests: ['test/redis/conformance-node-redis.test.ts', 'test/caches/clients-redis.test.ts'] },
  sequelize: { tests: ['test/model/conformance-sequelize.test.ts'] },
  typeorm: { tests: ['test/model/conformance-typeorm.test.ts', 'test/model/dict-typeorm.test.ts'] },
}

/** The files of the repository that the tests need. */
const COPIED = ['src', 'test', 'scripts', 'docs', 'examples', 'dist', 'lib']
const CONFIGURATION = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts']

/** The versions of a range, lowest first. @param {string} name @param {string} range @returns {Promise<string[]>} */
async function versionsOf(name, range) {
  const printed = JSON.parse(await runOrThrow('npm', ['view', `${name}@${range}`, 'version', '--json']))
  const stable = [printed].flat().filter(version => !version.includes('-'))
  return stable.sort((/** @type {string} */ one, /** @type {string} */ other) =>
    one.localeCompare(other, 'en', { numeric: true }),
  )
}

/** @param {string} name @param {string} version @param {readonly string[]} along */
async function installed(name, version, along) {
  const wanted = [name, ...along].map(each => `${each}@${version}`)
  const folder = await cached(`peer-${name.replaceAll('/', '-')}-${version}`, async draft => {
    await writeFile(join(draft, 'package.json'), '{ "private": true }')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps']
    await runOrThrow('npm', ['install', ...flags, ...wanted], { cwd: draft })
  })
  return join(folder, 'node_modules')
}

/**
 * Runs the tests in a copy of the repository that has this version; returns whether they passed. @param {string} name
 * @param {string} version
 */
async function test(name, version) {
  const { tests, along = [] } = /** @type {typeof PEERS[string]} */ (PEERS[name])
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-peer-'))
  try {
    for (const path of [...COPIED, ...CONFIGURATION])
      await cp(join(root, path), join(folder, path), { recursive: true })
    await symlink(join(root, '.cache'), join(folder, '.cache'), 'junction')
    await addPackages(await installed(name, version, along), join(folder, 'node_modules'), { whole: true })
    await addPackages(join(root, 'node_modules'), join(folder, 'node_modules'))
    const { code, output } = await run('node', ['node_modules/vitest/vitest.mjs', 'run', ...tests, '--maxWorkers=1'], {
      cwd: folder,
    })
    if (code !== 0) console.log(output)
    return code === 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const flags = process.argv.slice(2).filter(argument => argument.startsWith('--'))
const names = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const { peerDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const untested = Object.keys(peerDependencies).filter(
  name => !Object.entries(PEERS).some(([peer, { along = [] }]) => peer === name || along.includes(name)),
)
if (untested.length > 0) throw new Error(`scripts/peers.js names no tests of ${untested.join(', ')}.`)

/**
 * The versions of a peer dependency to test; the argument may name one. @param {string} argument @returns
 * {Promise<[name: string, versions: string[]]>}
 */
async function wanted(argument) {
  const [, name = argument, version] = /^(.+)@(.+)$/.exec(argument) ?? []
  if (version !== undefined) return [name, [version]]
  const versions = await versionsOf(name, peerDependencies[name])
  const ends = [...new Set([...versions.slice(0, 1), ...versions.slice(-1)])]
  if (flags.includes('--lowest')) return [name, ends.slice(0, 1)]
  return [name, flags.includes('--highest') ? ends.slice(-1) : ends]
}

for (const argument of names.length > 0 ? names : Object.keys(PEERS)) {
  const [name, versions] = await wanted(argument)
  for (const version of versions) {
    const passed = await test(name, version)
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} ${version} of ${peerDependencies[name]}`)
    if (!passed) process.exitCode = 1
  }
}
