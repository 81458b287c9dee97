// @ts-check
import { randomUUID } from 'node:crypto'
import { RedisDict } from 'durabledict'
import { createClient } from 'redis'

/** A dictionary with a new name on the Redis at that URL. @type {import('../stage.js').DemoStore} */
export const store = {
  title: 'Redis',
  async make(url) {
    if (url === undefined) throw new Error('Name the Redis to use: npm run demo -- --redis redis://localhost')
    const name = `durabledict-demo-${randomUUID()}`
    // Connects first, so that this process and not a child reports a failure.
    await (await RedisDict.open(name, url)).close()
    return { address: JSON.stringify([name, url]), remove: () => remove(name, url) }
  },
  async open(address, options) {
    const [name, url] = JSON.parse(address)
    return RedisDict.open(name, url, options)
  },
}

/** All keys of the dictionary. @param {string} name @param {string} url */
async function remove(name, url) {
  const client = createClient({ url, socket: { reconnectStrategy: false } })
  // A server that is gone has nothing to remove.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.del([name, `{${name}}:meta`, `{${name}}:log`])
    client.destroy()
  } catch (error) {
    console.error(`${name} could not be removed from Redis: ${error instanceof Error ? error.message : error}`)
  }
}
