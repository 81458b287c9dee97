import { openOnce, RedisDict } from 'durabledict/redis'
import * as redis from 'redis'

const defaults = { title: 'The shop', open: true }

/** The settings, opened once for the pages, the routes and the proxy, whose bundles each have a copy of this module. */
export const settings = () =>
  openOnce(
    'settings',
    // Pass the driver: it is in the bundle, where the library could not find it.
    () => RedisDict.open('settings', process.env.REDIS_URL, { driver: redis, live: true, defaults, autosync: false }),
    // After a hot reload that changes them, the dictionary is opened again.
    { dependsOn: defaults },
  )
