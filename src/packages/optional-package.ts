import { importPackage } from './import-package.js'

const MISSING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** Imports an optional package. Returns `undefined` if it is not installed. */
export async function optionalPackage<M>(name: string): Promise<M | undefined> {
  try {
    return (await importPackage(name)) as M
  } catch (error) {
    if (MISSING.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Returns the exports of a CommonJS package, whether it was imported or required. */
export function defaultOf<M>(imported: M | { readonly default: M }): M {
  return typeof imported === 'object' && imported !== null && 'default' in imported ? imported.default : imported
}
