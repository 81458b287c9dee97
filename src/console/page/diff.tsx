import { useState } from 'preact/hooks'
import { pretty } from './json-text'

/** Longer texts are folded, in characters. */
const FOLDED = 4_000

/** Texts with more lines, or more characters together, are not compared line by line. */
const MAX_LINES = 600
const MAX_LENGTH = 60_000

type Line = readonly [kind: 'same' | 'removed' | 'added', text: string]

/** Two values beside each other, with what differs marked. */
export function Diff({ before, after, titles }: DiffProps) {
  const lines = before !== undefined && after !== undefined ? compared(before, after) : undefined
  return (
    <div class="sides">
      <Column title={titles[0]} text={before} lines={lines?.filter(([kind]) => kind !== 'added')} />
      <Column title={titles[1]} text={after} lines={lines?.filter(([kind]) => kind !== 'removed')} />
    </div>
  )
}

export interface DiffProps {
  /** `undefined`: not stored. */
  readonly before: string | undefined
  readonly after: string | undefined
  readonly titles: readonly [string, string]
}

function Column({ title, text, lines }: { title: string; text: string | undefined; lines: Line[] | undefined }) {
  const [isOpen, open] = useState(false)
  const isFolded = text !== undefined && text.length > FOLDED && !isOpen
  return (
    <section class="side" aria-label={title}>
      <h4>{title}</h4>
      {text === undefined ? <p class="quiet">not stored</p> : null}
      {text !== undefined && !isFolded ? <pre tabIndex={0}>{lines ? lines.map(toLine) : pretty(text)}</pre> : null}
      {text !== undefined && isFolded ? (
        <>
          <pre tabIndex={0}>{`${text.slice(0, 500)}…`}</pre>
          <button type="button" onClick={() => open(true)}>
            Show all {sizeOf(text)}
          </button>
        </>
      ) : null}
    </section>
  )
}

function toLine([kind, text]: Line) {
  if (kind === 'same') return `${text}\n`
  return kind === 'removed' ? <del>{`${text}\n`}</del> : <ins>{`${text}\n`}</ins>
}

/** Says how long a text is. */
export function sizeOf(text: string): string {
  if (text.length < 1_000) return `${text.length} characters`
  if (text.length < 1_000_000) return `${Math.round(text.length / 1_000)} KB`
  return `${(text.length / 1_000_000).toFixed(1)} MB`
}

/** The longest common subsequence of the lines, and what is beside it; `undefined` if the texts are too long. */
function compared(before: string, after: string): Line[] | undefined {
  if (before.length + after.length > MAX_LENGTH) return undefined
  const [left, right] = [pretty(before).split('\n'), pretty(after).split('\n')]
  if (left.length > MAX_LINES || right.length > MAX_LINES) return undefined
  const lengths = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1))
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0
  for (let row = left.length - 1; row >= 0; row -= 1) {
    for (let column = right.length - 1; column >= 0; column -= 1) {
      const isSame = left[row] === right[column]
      ;(lengths[row] as Uint16Array)[column] = isSame
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const lines: Line[] = []
  for (let row = 0, column = 0; row < left.length || column < right.length; ) {
    if (row < left.length && column < right.length && left[row] === right[column]) {
      lines.push(['same', left[row] as string])
      row += 1
      column += 1
    } else if (row < left.length && (column === right.length || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(['removed', left[row++] as string])
    } else lines.push(['added', right[column++] as string])
  }
  return lines
}
