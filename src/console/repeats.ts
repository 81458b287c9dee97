import type { Answer } from './answers.js'
import { Refusal } from './refusal.js'

/** How many requests are remembered. */
const MAX = 1_000

/** Larger answers are not kept, in characters. */
const MAX_KEPT = 10_000

/** Remembers changes by the id that the page gave them, so that one that arrives twice is carried out once. */
export class Repeats {
  /** `undefined`: carried out, with an answer too large to keep. */
  readonly #answers = new Map<string, Promise<Answer> | undefined>()

  /** @param id - of the user, the route and the request; `undefined` runs it in any case. */
  async once(id: string | undefined, run: () => Promise<Answer>): Promise<Answer> {
    if (id === undefined) return run()
    if (this.#answers.has(id)) return again(await this.#answers.get(id))
    const answer = run()
    this.#answers.set(id, answer)
    if (this.#answers.size > MAX) this.#answers.delete(this.#answers.keys().next().value as string)
    answer.then(one => isLarge(one) && this.#answers.has(id) && this.#answers.set(id, undefined)).catch(() => {})
    return answer
  }
}

function isLarge(answer: Answer): boolean {
  return !('json' in answer) || JSON.stringify(answer.json).length > MAX_KEPT
}

/** A stream can be read only once. */
function again(answer: Answer | undefined): Answer {
  if (answer && 'json' in answer) return answer
  throw new Refusal(409, 'REPEATED', 'This request was carried out already.')
}
