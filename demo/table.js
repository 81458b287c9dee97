// @ts-check

/**
 * The members of an output that the table needs. @typedef {{ write(text: string): unknown, isTTY?: boolean, columns?:
 * number }} Output
 */

const PENDING = '…'
const GAP = '  '

/**
 * Whether lines may be redrawn: on a terminal that is not set to plain output and is wide enough.
 * @param {Output} output
 * @param {number} width
 */
function canRedraw({ isTTY, columns = 80 }, width) {
  const { NO_COLOR, CI, TERM } = process.env
  return isTTY === true && columns > width && !NO_COLOR && !CI && TERM !== 'dumb'
}

/** A table shown while it fills: redrawn in place if possible, and otherwise line by line. */
export class LiveTable {
  #output
  #widths
  #redraw
  /** @type {(string | undefined)[][]} */
  #rows = []
  #drawn = 0

  /** @param {Output} output @param {readonly [title: string, width: number][]} columns the first one aligned left */
  constructor(output, columns) {
    this.#output = output
    this.#widths = columns.map(([, width]) => width)
    const width = this.#widths.reduce((sum, one) => sum + GAP.length + one, 0)
    this.#redraw = canRedraw(output, width)
    this.#print(columns.map(([title]) => title))
  }

  /** Begins a line and returns a function that fills a column's cell. @param {string} title */
  add(title) {
    /** @type {(string | undefined)[]} */
    const row = this.#widths.map((_, column) => (column === 0 ? title : undefined))
    this.#rows.push(row)
    this.#show(row)
    return (/** @type {number} */ column, /** @type {string} */ text) => {
      row[column] = text
      this.#show(row)
    }
  }

  /** @param {readonly (string | undefined)[]} changed */
  #show(changed) {
    if (!this.#redraw) {
      if (changed.every(cell => cell !== undefined)) this.#print(changed)
      return
    }
    // Up to the first line, then clear to the end of the screen.
    if (this.#drawn > 0) this.#output.write(`\u001b[${this.#drawn}A\u001b[J`)
    for (const row of this.#rows) this.#print(row)
    this.#drawn = this.#rows.length
  }

  /** @param {readonly (string | undefined)[]} cells */
  #print(cells) {
    const texts = cells.map((cell = PENDING, column) => {
      const width = this.#widths[column] ?? 0
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    this.#output.write(`${GAP}${texts.join(GAP)}\n`)
  }
}
