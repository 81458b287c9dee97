/** A stream that the command writes to. */
export interface Output {
  readonly isTTY: boolean
  /** The width in columns, if it is a terminal. */
  readonly columns?: number | undefined
  /** Resolves when more can be written. */
  write(text: string): void | Promise<void>
}

/** What a command reads. */
export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY: boolean
}

/** What surrounds the command: the process, or a test. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The working directory. */
  readonly folder: string
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  /** Aborted by Ctrl-C, and when nobody reads the output any more. */
  readonly signal: AbortSignal
  /** Who makes changes unless `--by` says so: the login and the host. */
  readonly author: string
}
