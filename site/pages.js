// @ts-check

/**
 * The site's sidebar: every page of `docs/` and the texts at the root. `npm run docs` fails if a page is missing here, or
 * if an entry names no page.
 * @type {{ title: string, entries: [title: string, path: string][] }[]}
 */
export const pages = [
  {
    title: 'Start',
    entries: [
      ['Introduction', ''],
      ['Why and when, and when not', 'why'],
      ['Guide', 'guide'],
      ['Freshness and guarantees', 'guarantees'],
      ['Values and encodings', 'encodings'],
      ['Errors', 'errors'],
    ],
  },
  {
    title: 'Stores',
    entries: [
      ['SQLite', 'sqlite'],
      ['Redis', 'redis'],
      ['Your own tables', 'model'],
      ['Prisma', 'model/prisma'],
      ['TypeORM', 'model/typeorm'],
      ['Sequelize', 'model/sequelize'],
      ['Drizzle', 'model/drizzle'],
      ['Kysely', 'model/kysely'],
      ['Knex', 'model/knex'],
      ['Version caches', 'version-caches'],
      ['ZooKeeper', 'zookeeper'],
      ['Your own backend', 'make-your-own'],
    ],
  },
  {
    title: 'Applications',
    entries: [
      ['Web frameworks', 'frameworks'],
      ['Next.js', 'nextjs'],
      ['Bundling, CommonJS and runtimes', 'bundling'],
    ],
  },
  {
    title: 'Project',
    entries: [
      ['API reference', 'api/'],
      ['Architecture', 'ARCHITECTURE'],
      ['Security', 'SECURITY'],
      ['Changelog', 'CHANGELOG'],
      ['Contributing', 'CONTRIBUTING'],
    ],
  },
]
