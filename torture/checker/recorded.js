// @ts-check
/** @import { Commit, History, Operation, Recorded, Violation } from '../types.js' */

/**
 * The recorded history equals the acknowledged writes. Each write with an effect is one commit, made by its author, with
 * its keys and values: none is missing, recorded twice or invented. What a commit found is what the one before it left.
 * A store that lost data has lost the history of that data too: it must have the commits since then.
 * @param {History} history
 * @returns {Violation[]}
 */
export function historyEqualsWrites(history) {
  const { recorded } = history
  if (!recorded) return []
  const writes = writesById(history.operations)
  const commits = grouped(recorded.commits, ({ by }) => by)
  return [
    ...missing(writes, commits, lastLoss(history)),
    ...repeated(commits, writes),
    ...recorded.commits.flatMap(commit => wrong(commit, history, writes)),
    ...brokenChains(history, recorded),
  ]
}

/** The halves of an update are one write. @param {readonly Operation[]} operations */
const writesById = operations =>
  grouped(
    operations.filter(({ kind }) => kind !== 'read'),
    ({ id }) => id,
  )

/** When the store lost data for the last time. @param {History} history */
const lastLoss = ({ losses }) => Math.max(0, ...losses.filter(({ keys }) => !keys).map(({ end }) => end))

/** @param {Map<string, Operation[]>} writes @param {Map<string | undefined, Commit[]>} commits @param {number} since */
function missing(writes, commits, since) {
  return [...writes].flatMap(([id, write]) => {
    const must = write.some(one => one.outcome === 'done' && one.begin >= since && hasEffect(one))
    return must && !commits.has(id) ? [violation(`The commit of ${id} is missing.`, write)] : []
  })
}

/** @param {Map<string | undefined, Commit[]>} commits @param {Map<string, Operation[]>} writes */
function repeated(commits, writes) {
  return [...commits].flatMap(([by, own]) => {
    if (by === undefined || own.length === 1) return []
    const ids = own.map(({ id }) => id).join(', ')
    return [violation(`The write ${by} is recorded ${own.length} times: ${ids}.`, writes.get(by))]
  })
}

/** @param {Commit} commit @param {History} history @param {Map<string, Operation[]>} writes */
function wrong(commit, history, writes) {
  const { id, by, via, changes } = commit
  if (by === undefined) {
    // Of another program: found later, or recorded by triggers.
    const isFound = via !== 'library' && changes.every(({ key, after }) => isLost(history, key, after))
    return isFound ? [] : [violation(`The commit ${id} has no author: ${shown(commit)}.`)]
  }
  const write = writes.get(by)
  if (!write) return [violation(`The commit ${id} is by ${by}, whom nobody issued: ${shown(commit)}.`)]
  if (!write.some(mayHaveEffect)) return [violation(`The commit ${id} is by ${by}, which had no effect.`, write)]
  return isOf(write, commit) ? [] : [violation(`The commit ${id} is not what ${by} did: ${shown(commit)}.`, write)]
}

/** What each key held, from commit to commit, to the end. @param {History} history @param {Recorded} recorded */
function brokenChains(history, { complete, commits }) {
  /** @type {Map<string, string | undefined>} */
  const held = new Map()
  const violations = []
  const isBroken = (/** @type {string} */ key, /** @type {string | undefined} */ value) =>
    (complete || held.has(key)) && held.get(key) !== value && !isLost(history, key, value)
  for (const { id, changes } of commits) {
    for (const { key, before, after } of changes) {
      if (isBroken(key, before)) {
        violations.push(violation(`The commit ${id} found ${before} at ${key}; the one before left ${held.get(key)}.`))
      }
      held.set(key, after)
    }
  }
  const stored = history.store?.entries
  for (const key of stored ? new Set([...held.keys(), ...Object.keys(stored)]) : []) {
    if (!isBroken(key, stored?.[key])) continue
    violations.push(violation(`The last commit left ${held.get(key)} at ${key}; the store has ${stored?.[key]}.`))
  }
  return violations
}

/** Whether an external writer left this value. @param {History} history @param {string} key @param {string | undefined} value */
const isLost = ({ losses }, key, value) =>
  losses.some(({ keys, entries }) => keys?.includes(key) && entries[key] === value)

/** Whether an acknowledged write changed anything. @param {Operation} operation */
function hasEffect({ kind, value, result }) {
  if (kind === 'delete') return result === true
  if (kind === 'pop') return result !== undefined
  return kind !== 'setDefault' || result === value
}

/** @param {Operation} operation */
const mayHaveEffect = operation =>
  operation.outcome === 'unknown' || (operation.outcome === 'done' && hasEffect(operation))

/** @param {readonly Operation[]} write @param {Commit} commit */
function isOf(write, { via, changes }) {
  return (
    via === (write[0]?.via ?? 'library') &&
    changes.length === write.length &&
    write.every(one => changes.some(change => change.key === one.key && explains(one, change)))
  )
}

/** @param {Operation} operation @param {Commit['changes'][number]} change */
function explains({ kind, outcome, value, result, expected }, { before, after }) {
  switch (kind) {
    case 'pop':
      return after === undefined && (outcome === 'done' ? before === result : before !== undefined)
    case 'delete':
      return after === undefined && before !== undefined
    case 'setDefault':
      return after === value && before === undefined
    case 'transact':
      return after === value && before === expected
    default:
      return after === value
  }
}

/** @param {Commit} commit */
const shown = ({ via, changes }) =>
  `${changes.map(({ key, before, after }) => `${key} from ${before} to ${after}`).join(', ')}, via ${via}`

/** @param {string} text @param {readonly Operation[]} [operations] @returns {Violation} */
const violation = (text, operations = []) => ({ rule: 'history equals the acknowledged writes', text, operations })

/** @template K, V @param {readonly V[]} all @param {(one: V) => K} keyOf @returns {Map<K, V[]>} */
function grouped(all, keyOf) {
  /** @type {Map<K, V[]>} */
  const groups = new Map()
  for (const one of all) {
    const own = groups.get(keyOf(one))
    if (own) own.push(one)
    else groups.set(keyOf(one), [one])
  }
  return groups
}
