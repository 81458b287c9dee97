import { afterEach, expect } from 'vitest'
import { PARTS } from '../../src/backends/zookeeper/names.js'
import type { ZookeeperDict, ZookeeperOptions } from '../../src/index.js'

/** The options of a test. */
export type Options = NonNullable<Parameters<typeof ZookeeperDict.open>[2]> & ZookeeperOptions

/** Cleanup steps after each test of a file, the last one first. Call it once. */
export function stepsAfterEach(): (() => unknown)[] {
  const steps: (() => unknown)[] = []
  afterEach(async () => {
    for (const step of steps.splice(0).reverse()) await step()
  })
  return steps
}

/** How many children a dictionary has besides those of its keys: the version, the epoch, the history, the registry, and earlier parts of the log. */
export const OWN_CHILDREN = 4 + PARTS

let paths = 0

/** A path that no other test of the file uses. */
export function newPath(): string {
  paths += 1
  return `/tests-${paths}`
}

/** The rejection of the promise; fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    value => expect.fail(`It resolved with ${value}`),
    error => error,
  )
}
