import { expect } from 'vitest'
import { checkRegisters } from '../../torture/checker/registers.js'
import { report } from '../../torture/report.js'
import type { Operation } from '../../torture/types.js'

/** The calls of a test, with the times when they began and ended, for the checker of the torture test. */
export class Calls {
  readonly #operations: Operation[] = []
  #clock = 0

  tick(): number {
    this.#clock += 1
    return this.#clock
  }

  /** Records a call that has ended. */
  note(key: string, begin: number, call: Pick<Operation, 'kind' | 'value' | 'result' | 'expected'>): void {
    const id = `${this.#operations.length}`
    this.#operations.push({ id, session: '', key, begin, end: this.tick(), outcome: 'done', ...call })
  }

  /** Fails if no order of the calls explains their results. */
  expectLinearizable(): void {
    const { violations, undecided } = checkRegisters({ operations: this.#operations, losses: [] })
    expect(report(violations)).toBe('')
    expect(undecided).toEqual([])
  }
}
