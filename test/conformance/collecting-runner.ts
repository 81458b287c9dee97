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

/** Runs the suite one test after the other: about the simplest possible runner. */
export async function report(subject: Subject): Promise<Report> {
  const [tests, skipped, path]: [Registered[], string[], string[]] = [[], [], []]
  const full = (name: string) => [...path, name].join(' > ')
  const test: Runner['test'] = Object.assign(
    (name: string, run: () => Promise<void>) => tests.push({ name: full(name), run }),
    { skip: (name: string) => skipped.push(full(name)) },
  )
  const describe = (name: string, register: () => void) => {
    path.push(name)
    register()
    path.pop()
  }
  conformance({ describe, test }, subject)
  const failed: string[] = []
  for (const { name, run } of tests) await run().catch(() => failed.push(name))
  return { passed: tests.length - failed.length, failed, skipped }
}
