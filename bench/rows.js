// @ts-check

/** @typedef {import('./types.js').Row} Row */

/**
 * The row of a comparison of times.
 * @param {string} name
 * @param {string} baseName
 * @param {{ ours: number, base: number, ratio: NonNullable<Row['ratio']> }} measured
 * @param {import('./types.js').Target} [target]
 * @returns {Row}
 */
export function compared(name, baseName, { ours, base, ratio }, target) {
  return judged({
    name,
    ours: { value: ours, unit: 'ns' },
    base: { name: baseName, value: base, unit: 'ns' },
    ratio,
    ...(target && { target }),
  })
}

/**
 * The same row, with the verdict on its target.
 * @param {Row} row
 * @returns {Row}
 */
export function judged(row) {
  if (!row.target) return row
  const reached = row.ratio?.median ?? row.ours.value
  const met = 'atMost' in row.target ? reached <= row.target.atMost : reached >= row.target.atLeast
  return { ...row, met }
}
