/**
 * Whether the tests run in their long form, by `npm run test:long` or `npm run test:consumers`: everything by everything,
 * for as long as it takes. `npm test` runs the short forms.
 */
export const LONG = process.env.TEST_FORM === 'long'
