/** What `doctor` found. The names of the checks are stable. */
export interface Finding {
  readonly check: Check
  readonly severity: 'error' | 'warning'
  /** Never contains a stored value. */
  readonly message: string
  /** What to do about it. */
  readonly advice: string
}

export type Check =
  | 'connection'
  | 'rights'
  | 'type'
  | 'version'
  | 'role'
  | 'eviction'
  | 'persistence'
  | 'clock'
  | 'tables'
  | 'triggers'
  | 'schema'
  | 'undeclared'
  | 'silent'
  | 'bound'
  | 'server'

export function error(check: Check, message: string, advice: string): Finding {
  return { check, severity: 'error', message, advice }
}

export function warning(check: Check, message: string, advice: string): Finding {
  return { check, severity: 'warning', message, advice }
}

/** From which difference on a clock counts as wrong, in ms. */
const CLOCK = 5_000

/** Compares the store's clock with this machine's. @param asked, answered - when, on this machine's clock. */
export function clockFindings(store: number, asked: number, answered: number): Finding[] {
  const off = store < asked ? asked - store : Math.max(0, store - answered)
  if (off < CLOCK) return []
  const by = `${Math.round(off / 1_000)} seconds ${store < asked ? 'behind' : 'ahead of'}`
  return [
    warning(
      'clock',
      `The store's clock is ${by} the clock of this machine.`,
      'Synchronize both clocks (NTP). The history shows the times of the store; the guarantees do not depend on them.',
    ),
  ]
}
