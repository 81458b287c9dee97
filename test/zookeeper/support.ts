import { expect } from 'vitest'

/** What the promise is rejected with; a failure where it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    value => expect.fail(`It resolved with ${value}`),
    error => error,
  )
}
