import { processWide } from '../process/shared.js'

interface Running {
  users: number
  readonly stop: () => void
}

/**
 * Starts something at most once for each owner, whichever copy of the library asks: twice would count everything twice. It stops
 * when all who started it have stopped it.
 *
 * @param what - a name for what is started.
 * @param start - starts it, and returns how to stop it.
 */
export function once(what: string, owner: object, start: () => () => void): () => void {
  const running = processWide(what, () => new WeakMap<object, Running>())
  const current = running.get(owner) ?? { users: 0, stop: start() }
  running.set(owner, current)
  current.users += 1
  let stopped = false
  return () => {
    if (stopped) return
    stopped = true
    current.users -= 1
    if (current.users > 0) return
    running.delete(owner)
    current.stop()
  }
}
