import { ZookeeperDict } from 'durabledict'
import { check, run } from './check.js'

run(async () => check(await ZookeeperDict.open(`/consumer-${process.pid}`, process.env.ZOOKEEPER), ZookeeperDict))
