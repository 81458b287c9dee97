import type { Answer } from './answers.js'
import { Refusal } from './refusal.js'

/** How many requests are remembered. */
const MAX = 1_000

/** Remembers changes by the id that the page gave them, so that one that arrives twice is carried out once. */
export class Repeats {
  readonly #answers = new Map<string, Promise<Answer>>()

  /** @param id - of the user, the route and the request; `undefined` runs it in any case. */
  async once(id: string | undefined, run: () => Promise<Answer>): Promise<Answer> {
    if (id === undefined) return run()
    const known = this.#answers.get(id)
    if (known) return again(await known)
    const answer = run()
    this.#answers.set(id, answer)
    if (this.#answers.size > MAX) this.#answers.delete(this.#answers.keys().next().value as string)
    return answer
  }
}

/** A stream can be read only once. */
function again(answer: Answer): Answer {
  if ('json' in answer) return answer
  throw new Refusal(409, 'REPEATED', 'This request was carried out already.')
}
