/**
 * Whether the tests run in their long form, by `npm run test:long` or `npm run test:consumers`: all combinations, for
 * as long as they take. `npm test` runs the short forms.
 */
export const LONG = process.env.TEST_FORM === 'long'
