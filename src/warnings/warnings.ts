import { now } from '../time/clock.js'

/** The most warnings of one code and source in one interval. Further ones are counted. */
const BURST = 3

/** In ms. */
const INTERVAL = 60_000

/** How many sources are remembered. */
const SOURCES = 1_000

interface Account {
  since: number
  emitted: number
  suppressed: number
}

const accounts = new Map<string, Account>()

/** Details of a warning. */
export interface WarningDetails {
  /** What is limited separately, such as the dictionary's name. Default: the code alone. */
  readonly source?: string
  /** Printed below the message. Never contains stored text. */
  readonly detail?: string
}

/**
 * Emits a process warning of type `DurableDictWarning`, at most {@link BURST} a minute for each code and source. The first
 * warning after an interval that suppressed some says how many.
 *
 * @param message - says what happened and what to do, without any stored value, password or whole statement.
 */
export function warn(
  code: `DURABLEDICT_${string}`,
  message: string,
  { source = '', detail }: WarningDetails = {},
): void {
  const account = accountOf(`${code} ${source}`)
  if (account.emitted >= BURST) {
    account.suppressed += 1
    return
  }
  const dropped = account.suppressed === 0 ? '' : ` (${account.suppressed} similar warnings were dropped.)`
  account.emitted += 1
  account.suppressed = 0
  const options = { type: 'DurableDictWarning', code, ...(detail === undefined ? {} : { detail }) }
  process.emitWarning(message + dropped, options)
}

function accountOf(name: string): Account {
  const account = accounts.get(name) ?? { since: now(), emitted: 0, suppressed: 0 }
  if (now() - account.since >= INTERVAL) Object.assign(account, { since: now(), emitted: 0 })
  // Insertion order is the order of last use: the least recently used source is forgotten.
  accounts.delete(name)
  accounts.set(name, account)
  if (accounts.size > SOURCES) accounts.delete(accounts.keys().next().value as string)
  return account
}
