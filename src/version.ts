/** The version of the library: that of package.json, which `npm run check:package` compares. */
export const VERSION = '0.1.0'
