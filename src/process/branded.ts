const BRAND = Symbol.for('durabledict.class')

interface Class {
  readonly prototype: object
}

interface Branded {
  readonly [BRAND]?: string
}

/**
 * Brands a class with a name as text, which minifiers do not change. `instanceof` then recognizes its instances from every copy of
 * the library in this process: ESM and CommonJS, or one copy in each bundle.
 */
export function brand(owner: Class, name: string): void {
  Object.defineProperty(owner.prototype, BRAND, { value: name })
  Object.defineProperty(owner, Symbol.hasInstance, {
    value(this: Class, value: unknown) {
      return isInstance(this, value)
    },
  })
}

/** Whether the class itself has a brand, rather than only a class that it extends. */
export function isBranded(owner: Class): boolean {
  return Object.hasOwn(owner.prototype, BRAND)
}

/** Implements `instanceof` for a branded class and for the classes that users derive from it. */
function isInstance(owner: Class, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (!isBranded(owner)) return Object.prototype.isPrototypeOf.call(owner.prototype, value)
  const name = (owner.prototype as Branded)[BRAND]
  for (let link: object | null = Object.getPrototypeOf(value); link !== null; link = Object.getPrototypeOf(link)) {
    if (Object.hasOwn(link, BRAND) && (link as Branded)[BRAND] === name) return true
  }
  return false
}
