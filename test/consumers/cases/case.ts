/** The servers that a case may request. */
export type ServerName = 'redis' | 'zookeeper'

/** The environment of a case. */
interface Place {
  /** An empty folder with the package, the tools and the programs. */
  readonly folder: string
  /** With the addresses of the servers. */
  readonly env: Record<string, string | undefined>
  /** Whether it runs as part of `npm test`: a case may then skip what takes long. */
  readonly short: boolean
}

/** One way in which a program uses the package. */
export interface Case {
  /** One behaviour, as a sentence. */
  readonly name: string
  /** Whether `npm test` runs it, too. */
  readonly short?: boolean
  /** Sets of test/consumers/tools.js. */
  readonly tools: readonly string[]
  readonly servers?: readonly ServerName[]
  /** What the folder's package.json says. Default `'module'`. */
  readonly type?: 'module' | 'commonjs'
  /** Whether the tools are real files, for those that follow no links. */
  readonly whole?: boolean
  /** Rejects if a check fails. */
  run(place: Place): Promise<void>
}
