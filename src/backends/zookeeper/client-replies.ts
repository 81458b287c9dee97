import { inspect } from 'node:util'
import { StoreUnavailableError } from '../../errors/errors.js'
import type { Children, Reply, Stat, Step, Znode } from './transport.js'

/**
 * Passes on the parsed reply, or the fault if parsing fails. It must not throw: that would end the process, because
 * the client calls back from its socket.
 */
export function pass<V>(reply: Reply<V>, read: () => V): void {
  let value: V
  try {
    value = read()
  } catch (fault) {
    reply(fault as Error)
    return
  }
  reply(undefined, value)
}

export function toStat(stat: unknown): Stat {
  const { czxid, mzxid, version, cversion, ctime, mtime } = Object(stat) as Record<string, unknown>
  if (!isLong(czxid) || !isLong(mzxid) || !isLong(ctime) || !isLong(mtime)) throw unexpected('a stat', stat)
  if (!Number.isInteger(version) || !Number.isInteger(cversion)) throw unexpected('a stat', stat)
  return {
    czxid: czxid.readBigInt64BE(),
    mzxid: mzxid.readBigInt64BE(),
    version: version as number,
    cversion: cversion as number,
    ctime: Number(ctime.readBigInt64BE()),
    mtime: Number(mtime.readBigInt64BE()),
  }
}

function isLong(value: unknown): value is Buffer {
  return Buffer.isBuffer(value) && value.length === 8
}

export function toZnode(data: unknown, stat: unknown): Znode {
  const bytes = data ?? Buffer.alloc(0)
  if (!Buffer.isBuffer(bytes)) throw unexpected('data', data)
  return { data: bytes, stat: toStat(stat) }
}

export function toChildren(names: unknown, stat: unknown): Children {
  const isList = Array.isArray(names) && names.every(name => typeof name === 'string')
  if (!isList) throw unexpected('a list of children', names)
  return { names, stat: toStat(stat) }
}

/** Returns one state for each step that sets data. */
export function toResults(results: unknown, steps: readonly Step[]): (Stat | undefined)[] {
  if (!Array.isArray(results) || results.length !== steps.length)
    throw unexpected('the results of a transaction', results)
  return steps.map(({ type }, index) => (type === 'set' ? toStat(Object(results[index]).stat) : undefined))
}

/** Returns the index of the failed step, or `undefined` if the results do not show it. */
export function failedStep(results: unknown): number | undefined {
  if (!Array.isArray(results)) return undefined
  const step = results.findIndex(result => (Object(result).err ?? 0) !== 0)
  return step < 0 ? undefined : step
}

/** Describes the shape, never the content. */
function unexpected(what: string, value: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    `The ZooKeeper client returned ${what} of an unexpected shape: ${shapeOf(value)}. Use node-zookeeper-client 1.x as ` +
      'published.',
  )
}

function shapeOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if (Array.isArray(value)) return `an array of ${value.length}`
  const kinds = Object.entries(value).map(([name, member]) => [name, member === null ? 'null' : typeof member])
  return inspect(Object.fromEntries(kinds.slice(0, 12)), { breakLength: Number.POSITIVE_INFINITY })
}
