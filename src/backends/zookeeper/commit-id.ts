import { builtin } from '../../process/builtin.js'

const ID = /^(\d{1,16})-([0-9a-f]{1,32})-([0-9a-f]{8})$/

/** The parts of the id of a commit. */
export interface CommitId {
  readonly position: number
  /** Of the history. */
  readonly epoch: string
  /** Of the version: after a restore, another commit may get the same position. */
  readonly tag: string
}

export function formatCommitId(position: number, epoch: string, version: string): string {
  return `${position}-${epoch}-${tagOf(version)}`
}

/** Returns `undefined` if no commit has that id. */
export function parseCommitId(id: string): CommitId | undefined {
  const [, position, epoch, tag] = ID.exec(id) ?? []
  return position && epoch && tag ? { position: Number(position), epoch, tag } : undefined
}

/** Distinguishes versions that have the same number. */
export function tagOf(version: string): string {
  return builtin.crypto.createHash('sha256').update(version).digest('hex').slice(0, 8)
}
