import { describe, test } from 'vitest'
import type { Runner } from '../../src/conformance/index.js'

/** Topics that mostly wait, by the beginning of their titles. */
const WAITING = /^(a store that does not answer|timeout bounds|stale and fresh|faults while subscribing)\b/

/** Vitest as a runner of the conformance suite: tests that mostly wait run concurrently. */
export const runner: Runner = {
  describe: (title, register) => (WAITING.test(title) ? describe.concurrent : describe)(title, register),
  test,
}
