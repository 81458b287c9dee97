import type { DurableDict } from '../dist/index.js'

/** The values that are measured: a small object, as settings often are. */
export interface Sample {
  readonly enabled: boolean
  readonly limit: number
  readonly label: string
}

export type Dict = DurableDict<Record<string, Sample>>

/** Times are in nanoseconds; the table chooses the unit that reads best. */
export type Unit = 'ns' | 'B' | '/s' | '%' | 'calls' | 'checks' | 'scripts' | 'replicas'

export interface Figure {
  readonly value: number
  readonly unit: Unit
}

/** A median over several rounds, with the 10th and 90th percentile. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
  readonly rounds: number
}

/** What the ratio has to reach, or the figure itself if there is no ratio. */
export type Target = { readonly atMost: number } | { readonly atLeast: number }

/** One line of the table. */
export interface Row {
  readonly name: string
  readonly ours: Figure
  /** What it is compared with. */
  readonly base?: Figure & { readonly name: string }
  /** Measured in the same run, the two in turns. */
  readonly ratio?: Spread & { readonly of: 'time' | 'speed' | 'size' }
  readonly target?: Target
  /** Whether the target was met; absent without a target. */
  readonly met?: boolean
}

export interface SuiteReport {
  readonly name: string
  readonly engine: string
  /** What else is to be known of the figures. */
  readonly note?: string
  readonly rows: readonly Row[]
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory: string
  readonly system: string
  readonly node: string
}

export interface Report {
  readonly date: string
  readonly quick: boolean
  readonly machine: Machine
  readonly suites: readonly SuiteReport[]
}

/** The store without the dictionary: what the dictionary is compared with. */
export interface Plain {
  /** Reads one value by its key. */
  get(key: string): unknown
  /** Every row, undecoded. */
  readAll(): Map<string, unknown> | Promise<Map<string, unknown>>
  /** Inserts or replaces one row, durably. */
  set(key: string, stored: string): unknown
  /** Inserts or replaces many rows, durably, as one transaction. */
  setAll(entries: Iterable<readonly [string, string]>): unknown
  close(): unknown
}

/** One dictionary's place in a store, filled with samples. */
export interface Place {
  /** With which another process finds it; survives JSON. */
  readonly address: unknown
  /** Opens the dictionary. Each one is to the others as one of another process. */
  open(options?: Options): Promise<Dict>
  /** Opens the store without the dictionary, holding the same entries. */
  openPlain(): Promise<Plain>
}

export interface Options {
  readonly autosync?: boolean
  readonly live?: boolean
  readonly history?: { readonly keep: number; readonly days: number } | false | undefined
}

/** What one bench gets. */
export interface Context {
  readonly suite: Suite
  /** For CI: small sizes and few rounds. The figures are no more than a sign of life. */
  readonly quick: boolean
  /** An empty folder of its own, removed afterwards. */
  readonly folder: string
  /** Makes a place and fills it with so many samples. */
  place(count: number): Promise<Place>
}

export type Bench = (context: Context) => Promise<Row[]>

/** One store's benches. A new suite is a new file in `suites`. */
export interface Suite {
  readonly name: string
  /** What is measured, with its version. */
  engine(): Promise<string>
  /** Called once before the benches, to install what they need. Resolves with a note for the table. */
  prepare?(quick: boolean): Promise<string | undefined>
  /** Makes a place in that folder, filled with so many samples. */
  makePlace(folder: string, count: number): Promise<Place>
  /** The same place, found by another process. A store inside the process is filled again. */
  findPlace(address: unknown): Promise<Place>
  /** Each runs in a process of its own, so that none inherits what the others did to heap and compiler. */
  readonly benches: Readonly<Record<string, Bench>>
}
