import { Diff } from './diff'
import type { Entry } from './types'

interface ConflictProps {
  readonly theirs: Entry
  readonly draft: string
  readonly keep: () => void
  readonly overwrite: () => void
}

/** What others stored while the user was typing: the user decides. */
export function Conflict({ theirs, draft, keep, overwrite }: ConflictProps) {
  return (
    <section class="conflict" aria-labelledby="conflict-title">
      <h3 id="conflict-title">Two versions{theirs.changed?.by ? `: ${theirs.changed.by} changed this key` : ''}</h3>
      {theirs.masked ? (
        <p>The value is masked.</p>
      ) : (
        <Diff before={theirs.text} after={draft} titles={['Stored now', 'Yours']} />
      )}
      <p class="buttons">
        <button type="button" onClick={keep}>
          Take the stored one
        </button>
        <button type="button" onClick={overwrite}>
          Go on with mine
        </button>
      </p>
    </section>
  )
}
