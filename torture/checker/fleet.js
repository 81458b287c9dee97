// @ts-check
/** @import { Held, History, Loss, Violation } from '../types.js' */

const RULE = 'what replicas() says is never better than the truth'

/** A record counts for so long after its latest renewal, in ms: it may name a version that was lost meanwhile. */
const TTL = 30_000

/**
 * A replica holds the version that `replicas()` names, or a later one: its memory, which never goes back, holds no older one
 * afterwards. @param {History} history
 * @returns {Violation[]}
 */
export function holdsWhatIsSaid({ looks, held, losses }) {
  const bySession = grouped(held)
  return looks.flatMap(({ begin, end, replicas }) =>
    replicas.flatMap(({ session, version = '' }) => {
      const later =
        bySession
          .get(session)
          ?.filter(one => one.at > end && isOfStore(one) && !isLostBetween(losses, begin - TTL, one.at)) ?? []
      const older = later.find(one => numberOf(one.version) < numberOf(version))
      if (!older) return []
      return [
        {
          rule: RULE,
          text: `replicas() reported that ${session} holds ${version}; later it held ${older.version}.`,
          operations: [],
        },
      ]
    }),
  )
}

/**
 * A replica that counts as current holds no older version than any memory held before the question. After a loss, memory may
 * hold versions that the store no longer knows. @param {History} history
 * @returns {Violation[]}
 */
export function currentMeansCurrent({ looks, held, losses }) {
  const newest = highest(held)
  return looks.flatMap(({ begin, replicas }) => {
    if (isLostBetween(losses, 0, begin)) return []
    const least = newest(begin)
    return replicas
      .filter(({ state, version = '' }) => state === 'current' && numberOf(version) < least)
      .map(({ session, version }) => {
        const text = `replicas() reported that ${session} is current at ${version}; another memory had number ${least} before.`
        return { rule: RULE, text, operations: [] }
      })
  })
}

/**
 * Whether the store made this version. An attempt to open that failed late may leave a record, which nobody relies on, before the session
 * opens on what was last known.
 * @param {Held} held
 */
const isOfStore = ({ version }) => /^\d/.test(version)

/** Versions begin with the number of the commit. @param {string} version */
const numberOf = version => Number.parseInt(version, 10) || 0

/** Whether older versions may follow, or be newer ones of another history. @param {readonly Loss[]} losses @param {number} from @param {number} to */
const isLostBetween = (losses, from, to) =>
  losses.some(({ keys, renumbers, begin, end }) => (!keys || renumbers) && begin <= to && end >= from)

/** The highest number of a version in any memory before a time. @param {readonly Held[]} held */
function highest(held) {
  const inOrder = [...held].sort((left, right) => left.at - right.at)
  /** @type {number[]} */
  const numbers = []
  for (const { version } of inOrder) numbers.push(Math.max(numbers.at(-1) ?? 0, numberOf(version)))
  return (/** @type {number} */ before) => numbers[inOrder.findLastIndex(({ at }) => at < before)] ?? 0
}

/** @param {readonly Held[]} held */
function grouped(held) {
  /** @type {Map<string, Held[]>} */
  const groups = new Map()
  for (const one of held) {
    const own = groups.get(one.session)
    if (own) own.push(one)
    else groups.set(one.session, [one])
  }
  return groups
}
