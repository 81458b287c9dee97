/**
 * Imports a package of the application. The comments make bundlers leave this import alone, so that the package is resolved at
 * run time. In the CommonJS build, scripts/build/require-package.js replaces it.
 */
export function importPackage(name: string): Promise<unknown> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)
}
