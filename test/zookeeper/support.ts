import { afterEach, expect } from 'vitest'
import { PARTS } from '../../src/backends/zookeeper/head.js'
import type { ZookeeperDict, ZookeeperOptions } from '../../src/index.js'

/** What a test opens with. */
export type Options = NonNullable<Parameters<typeof ZookeeperDict.open>[2]> & ZookeeperOptions

/** Steps to be taken after each test of a file, the last one first. To be called once. */
export function stepsAfterEach(): (() => unknown)[] {
  const steps: (() => unknown)[] = []
  afterEach(async () => {
    for (const step of steps.splice(0).reverse()) await step()
  })
  return steps
}

/** How many children a dictionary has besides those of its keys: the version, the epoch, and earlier parts of the log. */
export const OWN_CHILDREN = 2 + PARTS

let paths = 0

/** A path that no other test of the file has. */
export function newPath(): string {
  paths += 1
  return `/tests-${paths}`
}

/** What the promise is rejected with; a failure where it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    value => expect.fail(`It resolved with ${value}`),
    error => error,
  )
}
