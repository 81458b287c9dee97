import { describe, test } from 'vitest'
import type { Runner } from '../../src/conformance/index.js'

/** What mostly waits, by how the titles of its topics begin. */
const WAITING = /^(a store that does not answer|timeout bounds|stale and fresh|faults while subscribing)\b/

/** Vitest, as the conformance suite takes it here: tests that mostly wait do so together. */
export const runner: Runner = {
  describe: (title, register) => (WAITING.test(title) ? describe.concurrent : describe)(title, register),
  test,
}
