import type { CatchUp, Change } from '../../contract/backend.js'
import { type ChangeRecord, parseChangeRecord, toChange } from './change-record.js'
import { epochOf } from './nonces.js'

/** The secrets of so many histories are remembered: answers about an earlier one may still be under way. */
const REMEMBERED = 4

/**
 * What this process knows of the secrets by which changes are sealed. The server makes one with each history and gives it to any client that
 * may read what is known of the dictionary, so that neither a message nor a log entry of anyone else is ever taken for a change.
 */
export class Seals {
  readonly #secrets = new Map<string, string>()

  /** Remembers the secret of the history that a version is of. */
  learn(version: string, secret: string): void {
    const epoch = epochOf(version)
    this.#secrets.delete(epoch)
    this.#secrets.set(epoch, secret)
    if (this.#secrets.size > REMEMBERED) this.#secrets.delete(this.#secrets.keys().next().value as string)
  }

  /** Whether changes of that version's history can be read. */
  knows(version: string): boolean {
    return this.#secrets.has(epochOf(version))
  }

  /** A record of the history that the version is of; nothing where it is malformed, or not sealed by who may write. */
  open(text: string, version: string): ChangeRecord | undefined {
    const secret = this.#secrets.get(epochOf(version))
    return secret === undefined ? undefined : parseChangeRecord(text, secret)
  }

  /** The change that a message holds, whichever history it is of; nothing where there is something to ask for instead. */
  openMessage(text: string): Change | undefined {
    for (const secret of [...this.#secrets.values()].reverse()) {
      const record = parseChangeRecord(text, secret)
      if (record) return toChange(record)
    }
    return undefined
  }

  /** The changes that lead from one version to another, or that everything must be loaded. */
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

/** How a damaged log is reported: where, but never what it holds. */
function damaged(position: number, count: number): CatchUp {
  return { type: 'tooOld', diverged: true, damage: `record ${position} of the latest ${count} in the change log` }
}

/** What a script says of a version that it has no changes since: 0 too old, 1 of another history, 2 the log is damaged. */
export function gapOf(diverged: number): { readonly diverged: boolean; readonly damage?: string } {
  return diverged === 2 ? { diverged: true, damage: 'a record of the change log' } : { diverged: diverged === 1 }
}
