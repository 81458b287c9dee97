/** A metric, by its OpenTelemetry name. */
export interface Metric {
  readonly name: string
  /** A unit of UCUM, or a noun in braces. Default: none. */
  readonly unit?: 's' | `{${string}}`
  readonly description: string
}

/** Read from the open dictionaries. */
export const GAUGES = {
  staleness: {
    name: 'durabledict.staleness',
    unit: 's',
    description: 'How long ago memory was confirmed current. Without live, it grows while nobody reads.',
  },
  limit: {
    name: 'durabledict.staleness.limit',
    unit: 's',
    description:
      'The staleness from which live memory counts as stale. Only for dictionaries that were opened with live.',
  },
  live: {
    name: 'durabledict.live',
    description: '1 if the dictionary was opened with live and is not stale, else 0.',
  },
  entries: { name: 'durabledict.entries', unit: '{entry}', description: 'How many keys are stored.' },
} as const satisfies Record<string, Metric>

/** Of each operation, by outcome. */
export const DURATIONS = {
  check: {
    name: 'durabledict.check.duration',
    unit: 's',
    description: 'How long it takes to ask the store whether anything changed.',
  },
  load: { name: 'durabledict.load.duration', unit: 's', description: 'How long it takes to load everything.' },
  commit: {
    name: 'durabledict.commit.duration',
    unit: 's',
    description: 'How long a write takes, from the call until memory contains it.',
  },
} as const satisfies Record<string, Metric>

export const COUNTERS = {
  changes: {
    name: 'durabledict.changes',
    unit: '{change}',
    description: 'Changes of entries that memory applied. Full loads add nothing.',
  },
  divergences: {
    name: 'durabledict.divergences',
    unit: '{divergence}',
    description: 'How often memory followed a store with another history.',
  },
  conflicts: {
    name: 'durabledict.conflicts',
    unit: '{conflict}',
    description: 'Attempts of transactions and reverts that conflicted with a concurrent write.',
  },
} as const satisfies Record<string, Metric>

export type Gauge = keyof typeof GAUGES
export type Duration = keyof typeof DURATIONS
export type Counter = keyof typeof COUNTERS

/** The boundaries of the histograms, in seconds: from a local file to a store that times out. */
export const BOUNDARIES: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** The attributes of every metric. There are no others, so that their number is bounded. */
export const NAME = 'durabledict.name'
export const STORE = 'durabledict.store'

/** The attribute of durations besides {@link NAME} and {@link STORE}. */
export const OUTCOME = 'durabledict.outcome'

/** Creates one instrument for each metric. */
export function mapped<K extends string, I>(
  metrics: Readonly<Record<K, Metric>>,
  create: (metric: Metric, key: K) => I,
): Readonly<Record<K, I>> {
  const entries = Object.entries<Metric>(metrics).map(([key, metric]) => [key, create(metric, key as K)])
  return Object.fromEntries(entries) as Record<K, I>
}
