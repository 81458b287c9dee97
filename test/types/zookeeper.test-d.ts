import { ACL, createClient, Id, Permission } from 'node-zookeeper-client'
import {
  type DurableDict,
  openDict,
  type ZookeeperAcl,
  type ZookeeperClient,
  ZookeeperDict,
  type ZookeeperOptions,
} from '../../src/index.js'
import { expectType, type Settings } from './settings.js'

const client = createClient('a:2181,b:2181')
const given: ZookeeperClient = client
const acl = [new ACL(Permission.ALL, new Id('world', 'anyone'))]

const dict = await ZookeeperDict.open<Settings>('/app/config', client, { consistency: 'linearizable', acl, live: true })
expectType<DurableDict<Settings>>()(dict)
const named: ZookeeperDict<Settings> = dict
expectType<Promise<'dark' | 'light' | undefined>>()(named.get('theme'))
expectType<DurableDict<Record<string, unknown>>>()(await ZookeeperDict.open('/app/config', given))

const options: ZookeeperOptions = { acl: [{ perms: 1, id: { scheme: 'ip', id: '::1' } }], sessionTimeout: 5_000 }
const plain: readonly ZookeeperAcl[] = [{ permission: 31, id: { scheme: 'auth', id: '' } }]
expectType<DurableDict<Settings>>()(
  await ZookeeperDict.open<Settings>('/app/config', 'a:2181', { ...options, acl: plain }),
)
// @ts-expect-error: the path comes first
ZookeeperDict.open(client, '/app/config')
// @ts-expect-error: neither a client nor a connection string
ZookeeperDict.open('/app/config', 2181)
// @ts-expect-error: no such option
ZookeeperDict.open('/app/config', 'a:2181', { consistencies: 'linearizable' })
// @ts-expect-error: not a list
ZookeeperDict.open('/app/config', 'a:2181', { acl: 'open' })
// @ts-expect-error: an entry names whom it is for
ZookeeperDict.open('/app/config', 'a:2181', { acl: [{ perms: 31 }] })

expectType<DurableDict<Settings>>()(await openDict<Settings>('zookeeper://a:2181,b:2181/app/config', { live: true }))
expectType<DurableDict<Record<string, unknown>>>()(await openDict(new URL('zookeeper://a/app/config')))
