import { conformance, type Runner, type Subject } from '../../src/conformance/index.js'

interface Registered {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The results of a suite. */
export interface Report {
  readonly passed: number
  /** The names of failed and of skipped tests, each with the names of its groups. */
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

/** How many tests run at once: most of them wait. */
const AT_ONCE = 8

/** Runs the suite, or the tests in it whose full name matches: about the simplest possible runner. */
export async function report(subject: Subject, only: RegExp = /^/): Promise<Report> {
  const [tests, skipped, path]: [Registered[], string[], string[]] = [[], [], []]
  const full = (name: string) => [...path, name].join(' > ')
  const test: Runner['test'] = Object.assign(
    (name: string, run: () => Promise<void>) => only.test(full(name)) && tests.push({ name: full(name), run }),
    { skip: (name: string) => skipped.push(full(name)) },
  )
  const describe = (name: string, register: () => void) => {
    path.push(name)
    register()
    path.pop()
  }
  conformance({ describe, test }, subject)
  const failed: string[] = []
  for (let next = 0; next < tests.length; next += AT_ONCE) {
    const some = tests.slice(next, next + AT_ONCE)
    await Promise.all(some.map(({ name, run }) => run().catch(() => failed.push(name))))
  }
  return { passed: tests.length - failed.length, failed, skipped }
}
