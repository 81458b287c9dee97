// @ts-check

/** @typedef {import('./types.js').Figure} Figure */
/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Row} Row */

/** @type {readonly [unit: string, size: number][]} */
const TIMES = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
]

/** @type {readonly [unit: string, size: number][]} */
const SIZES = [
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
]

/** Three digits that count. @param {number} value */
function digits(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}

/** A ratio, with two significant digits if it is small. @param {number} value */
const times = value => (value >= 0.1 ? value.toFixed(2) : value.toPrecision(2))

/** @param {number} value @param {readonly [string, number][]} scale */
function scaled(value, scale) {
  const [unit, size] = scale.find(([, least]) => value >= least) ?? /** @type {[string, number]} */ (scale.at(-1))
  return `${digits(value / size)} ${unit}`
}

/** @param {Figure} figure */
function text({ value, unit }) {
  if (unit === 'ns') return scaled(value, TIMES)
  if (unit === 'B') return scaled(value, SIZES)
  return unit === '%' ? `${value.toFixed(2)} %` : `${digits(value)} ${unit}`
}

/** @param {Row} row */
function targetOf({ target, ratio, ours }) {
  if (!target) return ''
  const [words, bound] = 'atMost' in target ? ['at most', target.atMost] : ['at least', target.atLeast]
  return `${words} ${ratio ? bound : text({ ...ours, value: bound })}`
}

/** @param {Row} row */
function verdict({ met }) {
  if (met === undefined) return ''
  return met ? 'yes' : '**no**'
}

/** @param {Row} row */
function cells(row) {
  const { ratio } = row
  return [
    row.name,
    text(row.ours),
    row.base ? `${text(row.base)} (${row.base.name})` : '',
    ratio ? `${times(ratio.median)} (${times(ratio.low)} to ${times(ratio.high)})` : '',
    targetOf(row),
    verdict(row),
  ]
}

/** Rows of cells as a Markdown table, aligned to be read as text too. @param {readonly string[][]} lines */
function table(lines) {
  const [head = []] = lines
  const widths = head.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  const [first = '', ...rest] = lines.map(line => {
    const padded = line.map((cell, column) => cell.padEnd(widths[column] ?? 0))
    return `| ${padded.join(' | ')} |`
  })
  return [first, `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rest].join('\n')
}

/** The report as Markdown. @param {Report} report */
export function markdown({ date, quick, machine, suites }) {
  const head = [
    `${date}. ${machine.cpu}, ${machine.cores} cores, ${machine.memory}; ${machine.system}; Node ${machine.node}.`,
    'Medians. Ratios are medians of rounds in one run, the two sides in turns; in brackets the 10th and 90th percentile.',
  ]
  if (quick) head.push('A quick run: few rounds, small sizes; its figures say no more than that everything runs.')
  const parts = suites.map(({ name, engine, note, rows }) => {
    const titles = ['what', 'durabledict', 'compared with', 'ratio', 'target', 'met']
    return `## ${name}: ${engine}\n\n${note === undefined ? '' : `${note}\n\n`}${table([titles, ...rows.map(cells)])}`
  })
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`
}
