/** The version of the library. `npm run check:package` compares it with package.json. */
export const VERSION = '0.1.0'
