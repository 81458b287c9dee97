import { styleText } from 'node:util'
import { usage } from '../failure.js'
import type { Terminal } from '../terminal.js'
import { printableJson, printableLines } from './printable.js'
import { tableOf } from './table.js'

export type Format = 'table' | 'json' | 'ndjson' | 'env'

const FORMATS: readonly string[] = ['table', 'json', 'ndjson', 'env'] satisfies Format[]

/** Where a verb writes: results to the standard output, messages to the standard error stream. */
export class Screen {
  readonly format: Format
  readonly #terminal: Terminal
  readonly #colors: boolean

  /** @throws Failure unless it is a format that the verb has. */
  constructor(terminal: Terminal, format: string | undefined, more: readonly Format[], colors: boolean) {
    this.#terminal = terminal
    this.#colors = colors && terminal.stdout.isTTY && !terminal.env.NO_COLOR && terminal.env.TERM !== 'dumb'
    this.format = formatOf(format ?? (terminal.stdout.isTTY ? 'table' : 'json'), more)
  }

  get isTable(): boolean {
    return this.format === 'table'
  }

  /** Writes a line of printable text. */
  async line(text: string): Promise<void> {
    await this.#terminal.stdout.write(`${printableLines(text)}\n`)
  }

  /** @param whole - how many of the first columns are never shortened. */
  async table(head: readonly string[], rows: readonly (readonly string[])[], whole = 0): Promise<void> {
    const { isTTY, columns } = this.#terminal.stdout
    // A terminal that does not know its width says 0.
    const [first = '', ...lines] = tableOf(head, rows, isTTY ? columns || 80 : undefined, whole)
    await this.#terminal.stdout.write(`${[this.#bold(first), ...lines].join('\n')}\n`)
  }

  /** Writes JSON text, however large. */
  async json(text: string): Promise<void> {
    await this.#terminal.stdout.write(`${printableJson(text)}\n`)
  }

  /** Writes the items as a JSON list with one item in a line, or as one line each for `ndjson`. */
  async items(texts: readonly string[]): Promise<void> {
    if (this.format === 'ndjson') {
      for (const text of texts) await this.json(text)
    } else await this.json(texts.length === 0 ? '[]' : `[\n  ${texts.join(',\n  ')}\n]`)
  }

  /** Writes a message for people. */
  async note(text: string): Promise<void> {
    await this.#terminal.stderr.write(`${printableLines(text)}\n`)
  }

  #bold(text: string): string {
    return this.#colors ? styleText('bold', text, { validateStream: false }) : text
  }
}

function formatOf(format: string, more: readonly Format[]): Format {
  const possible: readonly string[] = ['table', 'json', ...more]
  if (possible.includes(format)) return format as Format
  if (!FORMATS.includes(format))
    throw usage(`There is no form of output ${JSON.stringify(format)}; there are ${FORMATS.join(', ')}.`)
  throw usage(`This verb does not write ${format}; it writes ${possible.join(', ')}.`)
}
