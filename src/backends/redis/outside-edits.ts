import { clearTimeout, setTimeout } from '../../time/clock.js'

/** How long after an event the message of its commit may come, in ms: the server sends both in one go. */
const GRACE = 100

/** The characters before the JSON of a message: see prelude.lua. */
const SEAL = 20

/** The most arguments with which a commit sets or removes fields in one command: see commit.lua. */
const ARGUMENTS = 1_000

/** How many events of each kind a commit can cause. */
type Explained = Readonly<Record<string, number>>

/** A commit that is too large for its message is assumed to explain everything. */
const ANYTHING: Explained = { hset: Infinity, hdel: Infinity, del: Infinity, rename_from: Infinity }

/**
 * Finds out whether the hash was changed by hand, from the events that the server publishes for it. A commit is a script: its events come
 * directly before its message, on the same connection. Events that no message explains are of external writers.
 */
export class OutsideEdits {
  readonly #found: () => void
  readonly #events = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(found: () => void) {
    this.#found = found
  }

  /** @param name - what was done to the hash: `hset`, `hdel`, … */
  event(name: string): void {
    this.#events.set(name, (this.#events.get(name) ?? 0) + 1)
    this.#timer ??= setTimeout(() => this.#end(true), GRACE).unref()
  }

  /** @param message - of the commit that was executed last. */
  commit(message: string): void {
    if (this.#events.size === 0) return
    const explained = explainedBy(message)
    this.#end([...this.#events].some(([name, count]) => count > (explained[name] ?? 0)))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#events.clear()
  }

  #end(isOutside: boolean): void {
    this.stop()
    if (isOutside) this.#found()
  }
}

function explainedBy(message: string): Explained {
  const effects = message === '' ? undefined : effectsIn(message)
  if (effects === undefined) return ANYTHING
  let [sets, deletes] = [0, 0]
  for (let at = 0; at < effects.length; ) {
    const kind = effects[at]
    if (kind === 's') sets += 1
    else if (kind === 'd') deletes += 1
    at += kind === 's' ? 3 : kind === 'd' ? 2 : 1
  }
  // A hash without fields is removed.
  return { hset: Math.ceil((2 * sets) / ARGUMENTS), hdel: Math.ceil(deletes / ARGUMENTS), del: 1, rename_from: 1 }
}

/** The message is only a hint here: nothing is applied that it says. */
function effectsIn(message: string): readonly unknown[] | undefined {
  try {
    const [, , effects] = JSON.parse(message.slice(SEAL)) as unknown[]
    return Array.isArray(effects) ? effects : undefined
  } catch {
    return undefined
  }
}
