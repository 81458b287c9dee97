import { VERSION } from '../version.js'

const REGISTRY = Symbol.for(`durabledict ${VERSION}`)

/**
 * The one value of that name in this process, created by whoever asks first. A process may hold several copies of the
 * library: as ESM and as CommonJS, one in each bundle, one after each hot reload. Copies of another version have their own.
 *
 * What is shared this way is used by the code of other copies: no class may look into the private members of one.
 */
export function processWide<T>(name: string, create: () => T): T {
  const holder = globalThis as { [REGISTRY]?: Map<string, unknown> }
  holder[REGISTRY] ??= new Map()
  const registry = holder[REGISTRY]
  if (!registry.has(name)) registry.set(name, create())
  return registry.get(name) as T
}
