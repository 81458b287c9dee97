import { importPackage } from './import-package.js'

const MISSING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** An optional package, or nothing when it is not installed. */
export async function optionalPackage<M>(name: string): Promise<M | undefined> {
  try {
    return (await importPackage(name)) as M
  } catch (error) {
    if (MISSING.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** What a CommonJS package exports as a whole, whether it was imported or required. */
export function defaultOf<M>(imported: M | { readonly default: M }): M {
  return typeof imported === 'object' && imported !== null && 'default' in imported ? imported.default : imported
}
