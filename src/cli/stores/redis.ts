import { connect } from '../../backends/redis/connect.js'
import { Connection } from '../../backends/redis/connection.js'
import { keysOf } from '../../backends/redis/names.js'

/** Sends a command, and returns the reply as the client parses it. */
export type Send = (...command: string[]) => Promise<unknown>

/** Uses a connection of its own to a Redis server. */
export async function withRedis<R>(
  url: string,
  name: string,
  timeout: number,
  use: (send: Send) => Promise<R>,
): Promise<R> {
  const own = await connect(url, { dictionary: name, timeout, signal: undefined, driver: undefined })
  const connection = Connection.of(own.client, name, true)
  const { entries } = keysOf(name)
  try {
    return await use((...command) => connection.driver.send(entries, command))
  } finally {
    connection.release()
    own.end()
  }
}
