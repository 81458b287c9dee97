import { randomBytes } from 'node:crypto'

/** Names that are never given twice, by no process: for executions of scripts. */
export class Nonces {
  readonly #session = randomBytes(9).toString('hex')
  #count = 0

  next(): string {
    this.#count += 1
    return `${this.#session}.${this.#count.toString(36)}`
  }
}
