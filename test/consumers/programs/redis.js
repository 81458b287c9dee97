import { openDict, RedisDict } from 'durabledict'
import * as redis from 'redis'
import { check, run } from './check.js'

run(async () => {
  const url = process.env.REDIS_URL
  await check(await RedisDict.open(`consumer-${process.pid}`, url, { driver: redis, live: true }), RedisDict)
  await check(await openDict(`${url}#consumer-${process.pid}`, { driver: redis }), RedisDict)
  const client = redis.createClient({ url })
  client.on('error', () => {})
  await client.connect()
  await check(await RedisDict.open(`consumer-${process.pid}`, client), RedisDict)
  await client.close()
})
