/** Ends the command with this message and exit code. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCode
  }
}

/** Wrong usage, or a value that cannot be read. */
export function usage(message: string, cause?: unknown): Failure {
  return new Failure(2, message, cause)
}
