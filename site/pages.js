// @ts-check

/**
 * The site's sidebar: every page of `docs/` and the texts at the root. `npm run docs` fails if a page is missing here, or
 * if an entry names no page.
 * @type {{ title: string, collapsed?: boolean, entries: [title: string, path: string][] }[]}
 */
export const pages = [
  {
    title: 'Start',
    entries: [
      ['Introduction', ''],
      ['Why and when, and when not', 'why'],
      ['Guide', 'guide'],
      ['Freshness and guarantees', 'guarantees'],
      ['History and undo', 'history'],
      ['Fleet and everywhere', 'fleet'],
      ['Values and encodings', 'encodings'],
      ['Errors', 'errors'],
      ['Migrating from the Python library', 'from-python'],
    ],
  },
  {
    title: 'Stores',
    entries: [
      ['SQLite', 'sqlite'],
      ['Redis', 'redis'],
      ['PostgreSQL', 'postgres'],
      ['Your own tables', 'model'],
      ['Editing by hand', 'editing-by-hand'],
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
      ['Serverless', 'serverless'],
      ['OpenFeature', 'openfeature'],
      ['Console', 'console'],
      ['Testing your application', 'testing'],
      ['Operations', 'operations'],
      ['Monitoring', 'monitoring'],
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
  {
    title: 'Decisions',
    collapsed: true,
    entries: [
      ['All decisions', 'decisions/README'],
      ['1. Transactions depend on versions, not on values', 'decisions/0001-conditions-on-versions'],
      ['2. load() is an optional method', 'decisions/0002-load-is-a-capability'],
      ['3. A schema transforms on reads only', 'decisions/0003-schemas-apply-on-reads'],
      ['4. Decoders of our own for rich text, JSON and pickles', 'decisions/0004-our-own-decoders'],
      ['5. JSON columns have one canonical form', 'decisions/0005-canonical-json-columns'],
      ['6. Values that cannot be frozen are decoded for each read', 'decisions/0006-decode-per-read'],
      ['7. A version cache is incremented once, under a lock', 'decisions/0007-version-cache-lock'],
      ['8. open does not create the version tables', 'decisions/0008-version-tables-in-migrations'],
      ['9. Reads do not share a check that needs no request', 'decisions/0009-sequential-checks-are-not-shared'],
      ['10. Redis: the scripts are the protocol', 'decisions/0010-redis-protocol'],
      ['11. SQLite: locks by exec, columns in readable forms', 'decisions/0011-sqlite-protocol'],
      ['12. Models: one transaction through the ORM, verified before the commit', 'decisions/0012-model-protocol'],
      ['13. ZooKeeper: one head znode, a mirror, and watches', 'decisions/0013-zookeeper-protocol'],
      ['14. ZooKeeper: the log is short', 'decisions/0014-zookeeper-short-log'],
      ['15. ZooKeeper: a barrier is a transaction, not sync', 'decisions/0015-zookeeper-barrier'],
      ['16. A small ZooKeeper client of our own', 'decisions/0016-zookeeper-client'],
      ['17. ZooKeeper: a watch of the children only triggers a count', 'decisions/0017-zookeeper-child-count'],
      ['18. The package is bundled', 'decisions/0018-bundled-package'],
      ['19. watch is bounded', 'decisions/0019-bounded-watch'],
      ['20. Store calls run in the async context of open', 'decisions/0020-context-of-open'],
      ['21. Names of the Python library are kept', 'decisions/0021-python-names'],
      ['22. A prose check of our own', 'decisions/0022-prose-check'],
      ['23. History, kept by fair share', 'decisions/0023-history'],
      ['26. Edits by hand: triggers chain what a transaction changed', 'decisions/0026-triggers'],
      ['27. everywhere by acknowledgement', 'decisions/0027-acknowledgements'],
      ['29. The console: one handler, one desk', 'decisions/0029-console'],
    ],
  },
]
