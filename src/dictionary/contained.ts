import { isPromise } from '../contract/is-promise.js'

/** Calls a function of the application, which may be async. Its faults, and its rejections, must not end the process: `fault` gets them. */
export function contained(call: () => unknown, fault: (error: unknown) => void): void {
  try {
    const result = call()
    if (isPromise(result)) result.then(undefined, fault)
  } catch (error) {
    fault(error)
  }
}
