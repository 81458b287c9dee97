/** One operation on one key: a register that contains a value or nothing (`undefined`). Times are any increasing numbers. */
export interface Observed {
  readonly invoked: number
  readonly returned: number
  /** The register after the operation and its expected result, or `undefined` if the result is impossible. */
  apply(register: unknown): { readonly register: unknown } | undefined
  readonly label: string
}

/**
 * Searches for an order of the operations that respects real time (what returned before another was invoked comes
 * first) and explains each result. The definition is by Herlihy and Wing (1990), the search by Wing and Gong (1993),
 * with visited states remembered, as by Lowe. Linearizability is local: a dictionary is checked key by key.
 */
export function linearizable(operations: readonly Observed[], initial: unknown): boolean {
  const ordered = [...operations].sort((left, right) => left.invoked - right.invoked)
  const tried = new Set<string>()
  const all = 2n ** BigInt(ordered.length) - 1n
  const search = (done: bigint, register: unknown): boolean => {
    if (done === all) return true
    const memo = `${done} ${JSON.stringify(register)}`
    if (tried.has(memo)) return false
    tried.add(memo)
    const open = ordered
      .map((operation, index) => ({ operation, bit: 1n << BigInt(index) }))
      .filter(({ bit }) => !(done & bit))
    const deadline = Math.min(...open.map(({ operation }) => operation.returned))
    return open.some(({ operation, bit }) => {
      if (operation.invoked > deadline) return false
      const next = operation.apply(register)
      return next !== undefined && search(done | bit, next.register)
    })
  }
  return search(0n, initial)
}
