import type { EverywhereProgress } from '../dictionary/everywhere-options.js'
import { NotEverywhereError } from '../errors/errors.js'
import type { Answer } from './answers.js'
import { toFault } from './faults.js'
import { Refusal } from './refusal.js'

export type OnProgress = (progress: EverywhereProgress) => void

/**
 * Runs a write that waits for every process. An error before the write took effect is an answer like any other. From then on the answer is a
 * stream of lines of JSON: `{ progress }` while it waits, at last `{ done }` or `{ error }`.
 */
export async function eventually(run: (onProgress: OnProgress) => Promise<object>): Promise<Answer> {
  const lines = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
    highWaterMark: Number.POSITIVE_INFINITY,
  })
  const writer = lines.writable.getWriter()
  const encoder = new TextEncoder()
  const put = (line: object) => void writer.write(encoder.encode(`${JSON.stringify(line)}\n`)).catch(() => {})
  const close = () => void writer.close().catch(() => {})
  let started = () => {}
  const begun = new Promise<void>(resolve => {
    started = resolve
  })
  const result = run(progress => {
    put({ progress })
    started()
  })
  const isStream = await Promise.race([result.then(() => false), begun.then(() => true)])
  if (!isStream) return { json: await result }
  result
    .then(
      done => put({ done }),
      error => put({ error: toFault(error).json }),
    )
    .finally(close)
  return { body: lines.readable, type: 'application/x-ndjson; charset=utf-8' }
}

/** The same write for a user who may not see the replicas: they learn how many it waits for, not which. */
export async function withoutNames(
  run: (onProgress: OnProgress) => Promise<object>,
  onProgress: OnProgress,
): Promise<object> {
  try {
    return await run(({ current, total }) => onProgress({ current, total, waitingFor: [] }))
  } catch (error) {
    if (!(error instanceof NotEverywhereError)) throw error
    throw new Refusal(504, error.code, 'Stored, but other processes may still read the old value. They will stop soon.')
  }
}
