import { VERSION } from '../version.js'

const REGISTRY = Symbol.for(`durabledict ${VERSION}`)

/**
 * Returns the one value of that name in this process; the first caller creates it. A process may hold several copies of the
 * library: ESM and CommonJS, one in each bundle, one after each hot reload. Copies of another version have their own values.
 *
 * Code of other copies uses a shared value: a class must not access the private members of one.
 */
export function processWide<T>(name: string, create: () => T): T {
  const holder = globalThis as { [REGISTRY]?: Map<string, unknown> }
  holder[REGISTRY] ??= new Map()
  const registry = holder[REGISTRY]
  if (!registry.has(name)) registry.set(name, create())
  return registry.get(name) as T
}
