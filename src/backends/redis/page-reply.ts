import { CommitRecord } from './commit-record.js'
import { countOf, isZero, listOf, textOf } from './shape.js'

/** A reply of the page script. */
export interface PageReply {
  readonly epoch: string
  readonly floor: number
  /** Whether the page ended early because it is large. */
  readonly more: boolean
  readonly dropped: readonly (readonly [key: string, position: number])[]
  readonly commits: readonly CommitRecord[]
}

/**
 * Returns `undefined` if the id in the request belongs to no commit of this history.
 *
 * @throws StoreUnavailableError if the script cannot have sent the reply.
 */
export function parsePage(reply: unknown): PageReply | undefined {
  if (!Array.isArray(reply) && isZero(reply)) return undefined
  const [epoch, floor, more, dropped, ...commits] = listOf(reply, 4)
  return {
    epoch: textOf(epoch),
    floor: countOf(floor),
    more: countOf(more) === 1,
    dropped: parseDropped(listOf(dropped)),
    commits: commits.map(commit => new CommitRecord(commit)),
  }
}

function parseDropped(flat: readonly unknown[]): [string, number][] {
  const dropped: [string, number][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) dropped.push([textOf(flat[at]), countOf(flat[at + 1])])
  return dropped
}
