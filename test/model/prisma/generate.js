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

/** The database is not queried, so any program can replace the engine that would otherwise be downloaded. */
const OFFLINE = {
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  CHECKPOINT_DISABLE: '1',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
}

/**
 * Generates the client of a schema, once for each schema, version of Prisma, and clone of this repository.
 * @param {string} name of the schema
 * @param {string} schema
 * @returns {Promise<string>} the folder to which the schema's `output` is relative
 */
export async function generated(name, schema) {
  const { version } = require('prisma/package.json')
  const hash = createHash('sha256')
    .update(schema + root)
    .digest('hex')
    .slice(0, 12)
  return cached(`prisma-${version}-${name}-${hash}`, async folder => {
    await writeFile(join(folder, 'schema.prisma'), schema)
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const args = [require.resolve('prisma/build/index.js'), 'generate', '--schema', join(folder, 'schema.prisma')]
    await promisify(execFile)(process.execPath, args, { cwd: folder, env: { ...process.env, ...OFFLINE } })
  })
}

/**
 * The schema of the tests.
 * @param {'postgresql' | 'sqlite'} provider
 */
async function schemaFor(provider) {
  const text = await readFile(new URL('schema.prisma', import.meta.url), 'utf8')
  if (provider === 'postgresql') return text
  return text.replace(/ @db\.\w+(\(\d+\))?/g, '').replace('"postgresql"', '"sqlite"')
}

/**
 * A client of a database.
 * @param {'postgresql' | 'sqlite'} provider
 * @param {object} connection of the driver adapter: `{ url }` for SQLite; a pool of `pg` or its options
 * @param {{ schema?: string }} [options] of the driver adapter
 * @param {object} [clientOptions] of the client
 */
export async function prismaClient(provider, connection, options, clientOptions) {
  const { PrismaClient } = require(join(await generated(provider, await schemaFor(provider)), 'client'))
  const { PrismaLibSql } = require('@prisma/adapter-libsql')
  const { PrismaPg } = require('@prisma/adapter-pg')
  const adapter =
    provider === 'sqlite' ? new PrismaLibSql(/** @type {any} */ (connection)) : new PrismaPg(connection, options)
  return new PrismaClient({ adapter, ...clientOptions })
}
