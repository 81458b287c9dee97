import { isCount } from './members.js'

/** Which changes of a log ask for acknowledgements, by their numbers. A release that does not know of it drops this. */
export interface Asking {
  readonly asks?: readonly number[] | undefined
}

/** Returns the numbers with that of one more change, if it asks. */
export function withAsk(asks: readonly number[] | undefined, number: number, acknowledge: boolean | undefined): Asking {
  if (acknowledge) return { asks: [...(asks ?? []), number] }
  return asks ? { asks } : {}
}

/** Whether a change asks, as a member of it. */
export function asksFor(asks: readonly number[] | undefined, number: number): { acknowledge?: true } {
  return asks?.includes(number) ? { acknowledge: true } : {}
}

/**
 * What is malformed asks nothing: an acknowledgement is never necessary.
 *
 * @param last - the number of the latest change of the log.
 * @param count - how many changes the log has.
 */
export function parseAsks(value: unknown, last: number, count: number): Asking {
  const isOfLog = (number: unknown) => isCount(number) && number <= last && number > last - count
  const asks = Array.isArray(value) ? [...new Set(value.filter(isOfLog))] : []
  return asks.length > 0 ? { asks } : {}
}
