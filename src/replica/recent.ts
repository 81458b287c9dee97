/** Remembers the latest `limit` items. Adding is very cheap; lookups, which are rare, scan all items. */
export class Recent<V> {
  readonly #limit: number
  readonly #items: V[] = []
  #next = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(item: V): void {
    this.#items[this.#next] = item
    this.#next = (this.#next + 1) % this.#limit
  }

  has(item: V): boolean {
    return this.#items.includes(item)
  }

  clear(): void {
    this.#items.length = 0
    this.#next = 0
  }
}
