// @ts-check
/**
 * The entry points of the package, each with exactly what its name says. `package.json` (exports, typesVersions), the
 * build, knip, the tests of the docs and those of bundles read this list: `npm run entries` writes it into
 * package.json.
 *
 * @typedef {object} Entry
 * @property {string} path below the package's name
 * @property {string} source below src; the built files have the same name
 * @property {number} limit in KiB: the largest size of a program that imports it, bundled, minified and gzipped
 */

/** @type {readonly Entry[]} */
export const ENTRIES = [
  { path: '.', source: 'index.ts', limit: 231 },
  { path: './memory', source: 'memory.ts', limit: 48 },
  { path: './sqlite', source: 'sqlite.ts', limit: 68 },
  { path: './redis', source: 'redis.ts', limit: 87 },
  { path: './postgres', source: 'postgres.ts', limit: 79 },
  { path: './zookeeper', source: 'zookeeper.ts', limit: 75 },
  { path: './model', source: 'model.ts', limit: 109 },
  { path: './model/prisma', source: 'model/prisma.ts', limit: 97 },
  { path: './model/typeorm', source: 'model/typeorm.ts', limit: 97 },
  { path: './model/sequelize', source: 'model/sequelize.ts', limit: 97 },
  { path: './model/drizzle', source: 'model/drizzle.ts', limit: 97 },
  { path: './model/kysely', source: 'model/kysely.ts', limit: 97 },
  { path: './model/knex', source: 'model/knex.ts', limit: 97 },
  { path: './pickle', source: 'pickle.ts', limit: 10 },
  { path: './opentelemetry', source: 'opentelemetry.ts', limit: 4 },
  { path: './prometheus', source: 'prometheus.ts', limit: 4 },
  { path: './openfeature', source: 'openfeature.ts', limit: 6 },
  { path: './console', source: 'console.ts', limit: 45 },
  { path: './conformance', source: 'conformance/index.ts', limit: 82 },
  { path: './express', source: 'express.ts', limit: 5 },
  { path: './fastify', source: 'fastify.ts', limit: 5 },
  { path: './hono', source: 'hono.ts', limit: 5 },
  { path: './koa', source: 'koa.ts', limit: 5 },
  { path: './nestjs', source: 'nestjs.ts', limit: 5 },
]

/** The program of the package: bundled in the ESM build only, and imported by no entry point. */
export const PROGRAM = { name: 'durabledict', source: 'cli/bin.ts', stem: 'cli' }

/** Without its extension, like the built files. @param {Entry} entry */
export const stemOf = ({ source }) => source.replace(/\.ts$/, '')

/** The specifier that a user imports. @param {Entry} entry */
export const specifierOf = ({ path }) => `durabledict${path.slice(1)}`
