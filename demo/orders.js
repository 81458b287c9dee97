// @ts-check

/** The two entries of one order, which belong together. @param {number} order */
export function writeOf(order) {
  return { [`order:${order}`]: { order, state: 'paid' }, [`invoice:${order}`]: { order, due: 30 } }
}

/**
 * Compares the acknowledged writes with the stored entries.
 * @param {ReadonlyMap<string, any>} entries
 * @param {readonly number[]} acknowledged
 */
export function audit(entries, acknowledged) {
  const halves = Object.keys(writeOf(0)).map(key => key.slice(0, -1))
  /** @type {Map<number, number>} how many entries of each order are stored */
  const found = new Map()
  for (const [key, value] of entries) {
    const order = value?.order
    if (halves.some(half => key === `${half}${order}`)) found.set(order, (found.get(order) ?? 0) + 1)
  }
  const whole = new Set([...found].filter(([, count]) => count === halves.length).map(([order]) => order))
  const reported = new Set(acknowledged)
  return {
    lost: acknowledged.filter(order => !whole.has(order)),
    halfDone: found.size - whole.size,
    unreported: [...whole].filter(order => !reported.has(order)).length,
  }
}
