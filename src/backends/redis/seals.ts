import type { CatchUp, Change, Gap } from '../../contract/backend.js'
import { type ChangeRecord, parseChangeRecord, toChange } from './change-record.js'
import { epochOf } from './nonces.js'

/** How many histories' secrets are kept: replies about an earlier history may still arrive. */
const REMEMBERED = 4

/**
 * The secrets by which this process verifies changes. The server creates one with each history and returns it to
 * every client that may read the metadata of the dictionary. Messages and log entries from other programs therefore
 * never count as changes.
 */
export class Seals {
  readonly #secrets = new Map<string, string>()

  /** Stores the secret of the history to which a version belongs. */
  learn(version: string, secret: string): void {
    const epoch = epochOf(version)
    this.#secrets.delete(epoch)
    this.#secrets.set(epoch, secret)
    if (this.#secrets.size > REMEMBERED) this.#secrets.delete(this.#secrets.keys().next().value as string)
  }

  /** Returns whether changes of the version's history can be verified. */
  knows(version: string): boolean {
    return this.#secrets.has(epochOf(version))
  }

  /**
   * Parses a record of the version's history. Returns `undefined` if it is malformed, or not sealed by a client that
   * may write.
   */
  open(text: string, version: string): ChangeRecord | undefined {
    const secret = this.#secrets.get(epochOf(version))
    return secret === undefined ? undefined : parseChangeRecord(text, secret)
  }

  /** Returns the change in a message of any known history, or `undefined` if the reader must ask for it. */
  openMessage(text: string): Change | undefined {
    for (const secret of [...this.#secrets.values()].reverse()) {
      const record = parseChangeRecord(text, secret)
      if (record) return toChange(record)
    }
    return undefined
  }

  /** Returns the changes that lead from one version to another, or a gap if everything must be loaded. */
  toCatchUp(base: string, head: string, texts: readonly string[]): CatchUp {
    const changes: Change[] = []
    let version = base
    for (const [index, text] of texts.entries()) {
      const record = this.open(text, head)
      if (!record || record.previous !== version) return damaged(index + 1, texts.length)
      const change = toChange(record)
      if (!change) return { type: 'tooOld', diverged: false }
      changes.push(change)
      version = change.version as string
    }
    return { type: 'changes', version: head, changes }
  }
}

/** Reports where the log is damaged, but never its content. */
function damaged(position: number, count: number): CatchUp {
  return { type: 'tooOld', diverged: true, damage: `record ${position} of the latest ${count} in the change log` }
}

/**
 * The reason why a script has no changes since a version: 0 it is too old, 1 it belongs to another history, 2 the log
 * is damaged.
 */
export function gapOf({ diverged, head }: { readonly diverged: number; readonly head: string }, since: string): Gap {
  if (diverged === 2) return { diverged: true, damage: 'a record of the change log' }
  return { diverged: diverged === 1, ...(diverged === 1 && isNext(since, head) && { edited: head }) }
}

/** Whether the number of entries had changed: a script then starts a new history at the number after the last change. */
function isNext(since: string, head: string): boolean {
  return Number.parseInt(head, 10) === Number.parseInt(since, 10) + 1
}
