import { Conflict } from './conflict'
import { KeyForm } from './key-form'
import { useKey } from './use-key'

interface EditorProps {
  readonly name: string
  /** Changes whenever the key may have changed. */
  readonly tick: number
  readonly hasHistory: boolean
}

/** One key: its value, and how to change it. */
export function Editor({ name, tick, hasHistory }: EditorProps) {
  const { entry, draft, setDraft, theirs, outcome, issues, isDirty, send, keep, overwrite } = useKey(name, tick)
  return (
    <section class="editor" aria-labelledby="key-title">
      <p class="back">
        <a href="#/">← Keys</a>
      </p>
      <h2 id="key-title">{name}</h2>
      <p role="status" class={`outcome ${outcome?.kind ?? ''}`}>
        {outcome?.text}
      </p>
      {entry && draft !== undefined ? (
        <>
          {theirs ? <Conflict theirs={theirs} draft={draft} keep={keep} overwrite={overwrite} /> : null}
          <KeyForm
            key={`${entry.key} ${entry.token}`}
            entry={entry}
            draft={draft}
            setDraft={setDraft}
            issues={issues}
            isDirty={isDirty}
            isBusy={outcome?.kind === 'busy' || theirs !== undefined}
            send={send}
          />
          {hasHistory && !entry.masked ? (
            <p>
              <a href={`#/history/${encodeURIComponent(name)}`}>History of this key</a>
            </p>
          ) : null}
        </>
      ) : null}
    </section>
  )
}
