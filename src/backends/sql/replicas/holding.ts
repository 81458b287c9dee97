import type { Version } from '../../../contract/backend.js'
import type { SqlRow } from '../sql-session.js'
import { toCount } from '../stored-tokens.js'
import { parseVersion, toVersion } from '../version.js'

/** Returns the number and the nonce of the changes in the log that have these numbers, up to the head. */
export type Nonces = (numbers: readonly number[]) => Promise<readonly SqlRow[]>

/**
 * Which of these replicas hold the version or a later one, or have left.
 *
 * @param rows - with the id and the version of those that have a row.
 */
export async function holding(
  version: Version,
  ids: readonly string[],
  rows: readonly SqlRow[],
  nonces: Nonces,
): Promise<string[]> {
  const held = new Map(rows.map(row => [String(row.id), row.version]))
  const later = await laterThan(version, [...held.values()], nonces)
  return ids.filter(id => !held.has(id) || held.get(id) === version || later.has(held.get(id)))
}

/** Which of the versions follow this one in the history that the database has now. */
async function laterThan(version: Version, held: readonly unknown[], nonces: Nonces): Promise<ReadonlySet<unknown>> {
  const its = parseVersion(version)
  const parsed = held.map(one => (typeof one === 'string' ? parseVersion(one) : undefined))
  const later = parsed.filter(one => one && its && one.epoch === its.epoch && one.number > its.number)
  if (!its || later.length === 0) return new Set()
  const rows = await nonces([...new Set([its, ...later].map(one => one?.number as number))])
  const inLog = new Set(rows.map(({ number, nonce }) => toVersion(toCount(number) ?? 0, its.epoch, String(nonce))))
  return inLog.has(String(version)) ? inLog : new Set()
}
