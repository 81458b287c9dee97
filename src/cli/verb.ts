import type { Desk } from './desk.js'
import type { Screen } from './output/screen.js'
import type { Access, Target } from './targets/target.js'
import type { Terminal } from './terminal.js'

/** An option of a verb. */
interface Option {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  readonly multiple?: boolean
  /** The name of its value in the help. */
  readonly value?: string
  readonly help: string
}

export type Options = Readonly<Record<string, Option>>

/** What a command gets: its words and options, after they were checked. */
export interface Call {
  readonly words: readonly string[]
  /** What follows `--`, for the verb that runs a command. */
  readonly command: readonly string[]
  readonly flags: Flags
  /** All verbs, for what describes them. */
  readonly verbs: readonly Verb[]
  readonly terminal: Terminal
  readonly screen: Screen
  readonly target: () => Promise<Target>
  /** Opens the dictionary; it is closed when the verb ends. */
  readonly open: (access: Access) => Promise<Desk>
}

/** Options by name. */
export interface Flags {
  has(name: string): boolean
  text(name: string): string | undefined
  /** Of an option that may occur several times. */
  texts(name: string): readonly string[]
}

export interface Verb {
  readonly name: string
  /** One line, for the list of verbs. */
  readonly summary: string
  /** What follows the name, such as `KEY [VALUE]`. */
  readonly usage: string
  /** The fewest and the most words that follow the name. */
  readonly words: readonly [least: number, most: number]
  readonly options: Options
  /** Beyond the options of every verb, what its users need to know. */
  readonly details?: string
  /** Each with what it does. */
  readonly examples: readonly (readonly [command: string, does: string])[]
  /** The forms of output, besides `table` and `json`. */
  readonly formats?: readonly ('ndjson' | 'env')[]
  /** Whether words after `--` are a command. */
  readonly takesCommand?: boolean
  /** Whether it runs until Ctrl-C, and then ends by itself. */
  readonly untilInterrupted?: boolean
  /** Returns the exit code. */
  run(call: Call): Promise<number>
}
