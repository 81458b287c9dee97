/** Ctrl-C came while the command could be ended without losing the outcome of a change. */
export class Interrupted extends Error {}

/**
 * Waits for a verb. Ctrl-C ends the wait at once, during an outage as well as at a question.
 *
 * @param endsItself - whether the verb ends by itself then: it watches, or has sent a change, whose outcome must become known.
 * @throws Interrupted
 */
export async function unlessInterrupted(
  running: Promise<number>,
  signal: AbortSignal,
  endsItself: () => boolean,
): Promise<number> {
  // After an interruption, nobody waits for it any more.
  running.catch(() => {})
  const isDone = running.then(
    () => true,
    () => true,
  )
  if ((await Promise.race([isDone, aborted(signal)])) || endsItself()) return await running
  throw new Interrupted()
}

/** Resolves with false. */
function aborted(signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const onAbort = () => resolve(false)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
