/** The id of a commit: unique even where a restored database uses a position again. */
export function commitId(position: number, epoch: string, nonce: string): string {
  return `${position}-${epoch}-${nonce.slice(0, NONCE_DIGITS)}`
}

const NONCE_DIGITS = 8

/** The position in an id of this history; `undefined` for any other text. */
export function positionOf(id: string, epoch: string): number | undefined {
  const [, position, its] = /^(\d{1,15})-([0-9a-f]+)-[0-9a-f]+$/.exec(id) ?? []
  return its === epoch ? Number(position) : undefined
}
