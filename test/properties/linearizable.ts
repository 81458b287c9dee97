/** One operation on one key: a register that holds a value or nothing (`undefined`). Times are any increasing numbers. */
export interface Observed {
  readonly invoked: number
  readonly returned: number
  /** The register after the operation, and what it must have given: `undefined` where it could not have given that. */
  apply(register: unknown): { readonly register: unknown } | undefined
  readonly label: string
}

/**
 * Whether there is an order of the operations that keeps to real time (what returned before another was invoked comes
 * first) and in which each gives what it gave (Herlihy and Wing, 1990; the search is Wing and Gong's, 1993, with what was tried
 * remembered, as by Lowe). Linearizability is local: a whole dictionary is checked key by key.
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
