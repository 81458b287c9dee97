/** Remembers the latest `limit` items. */
export class Recent<V> {
  readonly #limit: number
  readonly #items = new Set<V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  add(item: V): void {
    this.#items.add(item)
    if (this.#items.size <= this.#limit) return
    const [oldest] = this.#items
    this.#items.delete(oldest as V)
  }

  has(item: V): boolean {
    return this.#items.has(item)
  }

  clear(): void {
    this.#items.clear()
  }
}
