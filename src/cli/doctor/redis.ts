import { keysOf } from '../../backends/redis/names.js'
import { type Send, withRedis } from '../stores/redis.js'
import { clockFindings, error, type Finding, warning } from './finding.js'

/** The first version that has what the scripts need. */
const OLDEST = 7

/** Looks at the settings of a Redis server. */
export async function redisFindings(url: string, name: string, timeout: number): Promise<Finding[]> {
  const { entries } = keysOf(name)
  return await withRedis(url, name, timeout, async send => {
    const [info, type, clock] = await Promise.all([
      infoFindings(send),
      typeFindings(send, entries, name),
      clockOf(send),
    ])
    return [...type, ...info, ...clock]
  })
}

async function infoFindings(send: Send): Promise<Finding[]> {
  const info = await send('INFO').catch(() => undefined)
  if (typeof info !== 'string') return [notAllowed('INFO')]
  const snapshots = await send('CONFIG', 'GET', 'save').catch(() => undefined)
  return findingsOfInfo(info, settingOf(snapshots))
}

/** Clients return a list of name and value, a Map or an object. */
function settingOf(reply: unknown): string | undefined {
  if (typeof reply !== 'object' || reply === null) return undefined
  const values = Array.isArray(reply)
    ? reply.slice(1)
    : reply instanceof Map
      ? [...reply.values()]
      : Object.values(reply)
  return values.length === 0 ? undefined : String(values[0])
}

/**
 * What the server's own description says.
 *
 * @param snapshots - the setting `save`; `undefined` if it may not be read.
 */
export function findingsOfInfo(info: string, snapshots: string | undefined): Finding[] {
  const facts = new Map(Array.from(info.matchAll(/^([a-z_]+):(.*?)\r?$/gm), ([, name = '', text = '']) => [name, text]))
  return [
    ...versionFindings(facts),
    ...roleFindings(facts),
    ...evictionFindings(facts),
    ...persistenceFindings(facts, snapshots),
  ]
}

type Facts = ReadonlyMap<string, string>

function versionFindings(facts: Facts): Finding[] {
  const version = facts.get('valkey_version') ?? facts.get('redis_version') ?? ''
  if (facts.has('valkey_version') || Number.parseInt(version, 10) >= OLDEST) return []
  return [error('version', `The server is Redis ${version}.`, `Update it to Redis ${OLDEST}.0 or later, or to Valkey.`)]
}

function roleFindings(facts: Facts): Finding[] {
  if (facts.get('role') !== 'slave') return []
  return [error('role', 'The server is a replica, which may be behind and refuses writes.', 'Connect to the primary.')]
}

function evictionFindings(facts: Facts): Finding[] {
  const policy = facts.get('maxmemory_policy') ?? 'noeviction'
  if (policy === 'noeviction' || policy.startsWith('volatile-')) return []
  return [
    error(
      'eviction',
      `The server may remove any key when its memory is full (maxmemory-policy ${policy}).`,
      'Set maxmemory-policy to noeviction, or to one of volatile-*: a dictionary has no expiry.',
    ),
  ]
}

function persistenceFindings(facts: Facts, snapshots: string | undefined): Finding[] {
  if (facts.get('aof_enabled') === '1') return []
  const advice = 'Set appendonly yes. With appendfsync everysec, the default, a crash loses at most a second.'
  if (snapshots === '')
    return [error('persistence', 'The server keeps its data in memory only: a restart loses everything.', advice)]
  return [
    warning('persistence', 'The server writes snapshots only: a crash loses all changes since the last one.', advice),
  ]
}

async function typeFindings(send: Send, entries: string, name: string): Promise<Finding[]> {
  const type = await send('TYPE', entries).catch(() => 'none')
  if (type === 'none' || type === 'hash') return []
  return [
    error(
      'type',
      `Key ${JSON.stringify(entries)} is of type ${String(type)}, but dictionary "${name}" needs a hash.`,
      'Choose another name for the dictionary, or rename the key that is there.',
    ),
  ]
}

async function clockOf(send: Send): Promise<Finding[]> {
  const asked = Date.now()
  const time = await send('TIME').catch(() => undefined)
  if (!Array.isArray(time)) return [notAllowed('TIME')]
  return clockFindings(Number(time[0]) * 1_000 + Number(time[1]) / 1_000, asked, Date.now())
}

function notAllowed(command: string): Finding {
  return warning(
    'server',
    `The user may not run ${command}, so that the settings of the server were not checked completely.`,
    'Run doctor as a user that may run INFO, CONFIG GET and TIME.',
  )
}
