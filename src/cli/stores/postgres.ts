import type { Cells } from '../../backends/postgres/clients/client.js'
import { connect } from '../../backends/postgres/connect.js'

/** Runs a statement, and returns its rows. */
export type Query = (text: string, values?: readonly string[]) => Promise<readonly Cells[]>

/** Uses connections of its own to a PostgreSQL server. */
export async function withPostgres<R>(url: string, timeout: number, use: (query: Query) => Promise<R>): Promise<R> {
  const client = await connect(url, timeout, undefined)
  try {
    return await use((text, values) => client.run({ text, values }, undefined, timeout))
  } finally {
    await client.close?.()
  }
}
