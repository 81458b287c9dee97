/** The servers that a case may ask for. */
export type ServerName = 'redis' | 'zookeeper'

/** What a case runs in. */
interface Place {
  /** Fresh, with the package, the tools and the programs. */
  readonly folder: string
  /** With the addresses of the servers. */
  readonly env: Record<string, string | undefined>
  /** Whether it is a part of `npm test`: a case may leave out what takes long. */
  readonly short: boolean
}

/** One way in which a program consumes the package. */
export interface Case {
  /** One behaviour, as a sentence. */
  readonly name: string
  /** Whether `npm test` runs it too. */
  readonly short?: boolean
  /** Sets of test/consumers/tools.js. */
  readonly tools: readonly string[]
  readonly servers?: readonly ServerName[]
  /** What the folder's package.json says. Default `'module'`. */
  readonly type?: 'module' | 'commonjs'
  /** Whether the tools are real files, for those that follow no links. */
  readonly whole?: boolean
  /** Rejects with what went wrong. */
  run(place: Place): Promise<void>
}
