import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import postgresJs from 'postgres'
import { LONG, METHODS_ALONE } from '../form.js'
import { conform, TELLING_MODES } from './conform.js'
import { testServer } from './test-server.js'

const server = testServer()

conform(
  'pg, a pool',
  async () => {
    const client = new pg.Pool({ connectionString: server.it.server.url, max: 8 })
    client.on('error', () => {})
    return { client, end: () => client.end() }
  },
  LONG ? undefined : TELLING_MODES,
)

// It differs from a pool in how a connection is found.
if (LONG) {
  conform(
    'pg, a client',
    async () => {
      const client = new pg.Client({ connectionString: server.it.server.url })
      await client.connect()
      return { client, end: () => client.end() }
    },
    METHODS_ALONE,
  )
}

conform(
  'postgres.js',
  async () => {
    const client = postgresJs(server.it.server.url, { max: 8, onnotice: () => {} })
    return { client, end: () => client.end() }
  },
  METHODS_ALONE,
)

conform(
  'PGlite',
  async () => {
    const client = await PGlite.create()
    return { client, end: () => client.close() }
  },
  METHODS_ALONE,
)
