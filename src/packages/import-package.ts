/**
 * Imports a package of the application. Bundlers leave this import alone: what it names is looked up when the program
 * runs. In the CommonJS build, scripts/build/require-package.js takes its place.
 */
export function importPackage(name: string): Promise<unknown> {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)
}
