// @ts-check
/** @import { StoredRecord } from './stores.js' */

/** @typedef {(args: (string | Buffer)[]) => Promise<any>} Send */

/** Every value, member and entry of every key of a server. @param {Send} send @returns {Promise<StoredRecord[]>} */
export async function redisRecords(send) {
  const keys = /** @type {string[]} */ (await send(['KEYS', '*'])).sort()
  const records = await Promise.all(
    keys.map(async key => {
      const type = await send(['TYPE', key])
      const own = (await READERS[type]?.(key, send)) ?? []
      return [...own, whole(key, send)]
    }),
  )
  return records.flat()
}

/** A key becomes one of another type, or goes. @param {string} key @param {Send} send @returns {StoredRecord} */
const whole = (key, send) => ({
  name: `the key ${key}`,
  bytes: Buffer.from('1'),
  put: bytes => send(['SET', key, bytes]),
  remove: () => send(['DEL', key]),
  repair: () => send(['DEL', key]),
})

/** @type {Record<string, (key: string, send: Send) => Promise<StoredRecord[]>>} */
const READERS = {
  async string(key, send) {
    return [
      {
        name: `the text ${key}`,
        bytes: Buffer.from(await send(['GET', key])),
        put: bytes => send(['SET', key, bytes]),
        remove: () => send(['DEL', key]),
      },
    ]
  },
  async hash(key, send) {
    const flat = await send(['HGETALL', key])
    const pairs = Array.isArray(flat) ? inPairs(flat) : Object.entries(flat)
    return pairs.flatMap(([field, value]) => [
      {
        name: `the field ${field} of ${key}`,
        bytes: Buffer.from(value),
        put: bytes => send(['HSET', key, field, bytes]),
        remove: () => send(['HDEL', key, field]),
      },
      {
        name: `the name of the field ${field} of ${key}`,
        bytes: Buffer.from(field),
        put: bytes => send(['HSET', key, bytes, value]),
        remove: () => send(['HDEL', key, field]),
      },
    ])
  },
  async list(key, send) {
    const items = await send(['LRANGE', key, '0', '-1'])
    return items.map((/** @type {string} */ item, /** @type {number} */ index) => ({
      name: `item ${index} of ${items.length} of ${key}`,
      bytes: Buffer.from(item),
      put: (/** @type {Buffer} */ bytes) => send(['LSET', key, String(index), bytes]),
      remove: () => send(['LREM', key, '1', item]),
    }))
  },
  async zset(key, send) {
    const flat = await send(['ZRANGE', key, '0', '-1', 'WITHSCORES'])
    return inPairs(flat).map(([member, score]) => ({
      name: `the member ${member} of ${key}`,
      bytes: Buffer.from(member),
      put: bytes => send(['ZADD', key, score, bytes]),
      remove: () => send(['ZREM', key, member]),
    }))
  },
  async stream(key, send) {
    const entries = await send(['XRANGE', key, '-', '+'])
    return entries.flatMap((/** @type {[string, string[]]} */ [id, fields], /** @type {number} */ index) =>
      fields.map((field, at) => ({
        name: `part ${at} of entry ${index} of ${entries.length} of ${key}`,
        bytes: Buffer.from(field),
        put: (/** @type {Buffer} */ bytes) =>
          rebuild(
            key,
            send,
            entries.map((/** @type {[string, string[]]} */ [one, all]) =>
              one === id ? [one, all.map((old, place) => (place === at ? bytes : old))] : [one, all],
            ),
          ),
        remove: () => send(['XDEL', key, id]),
      })),
    )
  },
}

/** Entries of a stream cannot be changed. @param {string} key @param {Send} send @param {[string, (string | Buffer)[]][]} entries */
async function rebuild(key, send, entries) {
  await send(['DEL', key])
  for (const [id, fields] of entries) await send(['XADD', key, id, ...fields])
}

/** @param {string[]} flat @returns {[string, string][]} */
const inPairs = flat =>
  Array.from({ length: flat.length / 2 }, (_, index) => /** @type {any} */ (flat.slice(2 * index, 2 * index + 2)))
