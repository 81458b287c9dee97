/** A request that is not carried out. Its message goes to the browser: it never contains a value. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  /** Further members of the answer. */
  readonly details: object

  constructor(status: number, code: string, message: string, details: object = {}) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
  }
}

/** The refusal of a user without a right. */
export function forbidden(what: string): Refusal {
  return new Refusal(403, 'FORBIDDEN', what)
}
