const DAY = 86_400_000

/** The most times to ask for at once. */
const AT_ONCE = 64

/** How many of the oldest are too old. */
export interface Age {
  readonly old: number
  /** For how long that remains so, in ms; 0 if it is not known. */
  readonly youth: number
}

/**
 * Finds the first transaction that is young enough: all before it are too old. It looks at each of these, because times do not
 * ascend: they jump with the clock of the server.
 *
 * @param count - of the transactions; at least one.
 * @param timeOf - when a transaction was made, in ms since 1970; `undefined` if it is gone. The newest one says what time it is.
 */
export async function ageOf(
  count: number,
  timeOf: (index: number) => Promise<number | undefined>,
  days: number,
): Promise<Age> {
  const now = await timeOf(count - 1)
  if (now === undefined) return { old: 0, youth: 0 }
  const cutoff = now - days * DAY
  for (let start = 0, some = 1; start < count; start += some, some = Math.min(AT_ONCE, 2 * some)) {
    const indices = Array.from({ length: Math.min(some, count - start) }, (_, index) => start + index)
    const times = await Promise.all(indices.map(timeOf))
    const young = times.findIndex(time => time !== undefined && time >= cutoff)
    if (young >= 0) return { old: start + young, youth: start + young === 0 ? (times[0] as number) - cutoff : 0 }
  }
  return { old: count, youth: 0 }
}
