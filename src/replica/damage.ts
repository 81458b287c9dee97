import type { CatchUp, Version } from '../contract/backend.js'
import { warn } from '../warnings/warnings.js'

/** How much of a record's description a warning repeats, in characters. */
const MAX_LENGTH = 300

/** A record that cannot be read may be any change: memory must be loaded as after a divergence. */
export function damageDiverges(answer: CatchUp<unknown>): CatchUp<unknown> {
  if (answer.type === 'changes' || answer.damage === undefined || answer.diverged) return answer
  return { ...answer, diverged: true }
}

/** Warns of each damaged record once, even if several checks meet it. */
export class DamageReports {
  readonly #dictionary: string
  #latest: string | undefined

  constructor(dictionary: string) {
    this.#dictionary = dictionary
  }

  /** @param base - the version since which the changes were requested. */
  report(base: Version, damage: string | undefined): void {
    const latest = `${typeof base} ${base} ${damage}`
    if (damage === undefined || latest === this.#latest) return
    this.#latest = latest
    warn(
      'DURABLEDICT_DAMAGED_RECORD',
      `A record in the store of dictionary "${this.#dictionary}" cannot be read (${damage.slice(0, MAX_LENGTH)}). Everything is ` +
        'loaded instead; "watch" gets the difference of the two states. Find out what else writes to the store.',
      { source: this.#dictionary },
    )
  }
}
