import type { Mode } from '../src/conformance/index.js'

/** Whether the tests run in their long form, as in `npm run test:long` and `npm run test:consumers`. `npm test` runs the short forms. */
export const LONG = process.env.TEST_FORM === 'long'

/**
 * Modes for what differs in the backend's methods alone, such as another client of the same server. The dictionary above
 * them is the same, so that only the long form opens one.
 */
export const METHODS_ALONE: readonly Mode[] = LONG ? [{ live: true }] : []
