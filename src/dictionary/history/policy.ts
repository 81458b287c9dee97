import { DEFAULT_POLICY, type HistoryPolicy } from '../../contract/history.js'
import { checkNames, wrong } from '../option-checks.js'

const MAX_KEEP = 100_000
const MAX_DAYS = 36_500

/** How much history a dictionary keeps. */
export interface HistoryPolicyOptions {
  /**
   * The most commits, give or take an eighth; on Redis, up to half as many more. From 1 to 100,000. Default 1,000.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { history: { keep: 10_000 } })
   */
  keep?: number | undefined
  /**
   * The greatest age, in days. Above 0, at most 36,500. Default 90.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { history: { days: 365 } })
   */
  days?: number | undefined
}

/** @throws TypeError unless it is a policy. */
export function checkPolicy(policy: unknown): HistoryPolicy | undefined {
  if (policy === undefined || policy === false) return policy
  if (typeof policy !== 'object' || policy === null) throw wrong('history', 'false or { keep, days }', policy)
  checkNames(policy, ['keep', 'days'], 'the option "history"')
  const { keep = DEFAULT_POLICY.keep, days = DEFAULT_POLICY.days } = policy as HistoryPolicyOptions
  if (!Number.isSafeInteger(keep) || keep < 1 || keep > MAX_KEEP) {
    throw wrong('history.keep', `a whole number from 1 to ${MAX_KEEP}`, keep)
  }
  if (!(typeof days === 'number' && days > 0 && days <= MAX_DAYS)) {
    throw wrong('history.days', `a number above 0, at most ${MAX_DAYS}`, days)
  }
  return { keep, days }
}
