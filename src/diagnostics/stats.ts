/**
 * What a dictionary did since it was opened, for a line in your log. Reads from memory are not counted, because counting would cost
 * more than reading.
 *
 * @example
 * setInterval(() => console.log(JSON.stringify(settings.stats())), 60_000)
 */
export interface Stats {
  /** Questions to the store whether anything changed, each for any number of reads. */
  readonly checks: number
  readonly failedChecks: number
  /** Full loads, the one of `open` included. */
  readonly loads: number
  readonly failedLoads: number
  /** Writes of callers that the store executed, whether or not they had an effect. */
  readonly commits: number
  /** Writes of callers that rejected. Conflicts are counted apart. */
  readonly failedCommits: number
  /** Attempts of transactions and reverts that conflicted with a concurrent write. */
  readonly conflicts: number
  /** Changes of entries that memory applied, of this process and of others. Full loads add nothing. */
  readonly changes: number
  /** How often memory followed a store with another history. */
  readonly divergences: number
  /** How often the event `stale` was emitted. */
  readonly outages: number
}

/** Counts as they grow. */
export type Counts = { -readonly [C in keyof Stats]: number }

export function noCounts(): Counts {
  return {
    checks: 0,
    failedChecks: 0,
    loads: 0,
    failedLoads: 0,
    commits: 0,
    failedCommits: 0,
    conflicts: 0,
    changes: 0,
    divergences: 0,
    outages: 0,
  }
}
