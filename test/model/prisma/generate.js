// @ts-check
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../../scripts/cache.js'
import { root } from '../../../scripts/run.js'

const require = createRequire(import.meta.url)

/** Nothing is asked of the database, so any program will do for the engine that would be downloaded else. */
const OFFLINE = {
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
}

/**
 * Generates the schema's client, once for each schema, version of Prisma, and clone of this repository.
 * @param {'postgresql' | 'sqlite'} provider
 * @returns {Promise<string>} the folder, whose `client` is required
 */
export async function generated(provider) {
  const text = await readFile(new URL('schema.prisma', import.meta.url), 'utf8')
  const schema =
    provider === 'postgresql' ? text : text.replace(/ @db\.\w+(\(\d+\))?/g, '').replace('"postgresql"', '"sqlite"')
  const { version } = require('prisma/package.json')
  const hash = createHash('sha256')
    .update(schema + root)
    .digest('hex')
    .slice(0, 12)
  return cached(`prisma-${version}-${provider}-${hash}`, async folder => {
    await writeFile(join(folder, 'schema.prisma'), schema)
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const args = [require.resolve('prisma/build/index.js'), 'generate', '--schema', join(folder, 'schema.prisma')]
    await promisify(execFile)(process.execPath, args, { cwd: folder, env: { ...process.env, ...OFFLINE } })
  })
}

/**
 * A client of the database at this address, with at most so many connections.
 * @param {'postgresql' | 'sqlite'} provider
 * @param {string} url
 * @param {{ max?: number, connectionTimeoutMillis?: number }} [pool] @param {{ schema?: string }} [options]
 */
export async function prismaClient(provider, url, pool = {}, options = {}) {
  const { PrismaClient } = require(join(await generated(provider), 'client'))
  return new PrismaClient({ adapter: adapterOf(provider, url, pool, options) })
}

/** @param {string} provider @param {string} url @param {object} pool @param {object} options */
function adapterOf(provider, url, pool, options) {
  if (provider === 'sqlite') return new (require('@prisma/adapter-libsql').PrismaLibSql)({ url })
  return new (require('@prisma/adapter-pg').PrismaPg)({ connectionString: url, ...pool }, options)
}
