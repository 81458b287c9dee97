import { useState } from 'preact/hooks'
import { sizeOf } from './diff'
import { Field, hasForm, initial } from './form'
import { jsonFault, pretty } from './json-text'
import type { Entry, Issue } from './types'

/** Longer values are folded, in characters. */
const FOLDED = 20_000

interface ValueFieldProps {
  readonly entry: Entry
  readonly draft: string
  readonly setDraft: (draft: string) => void
  readonly issues: readonly Issue[]
  readonly onValid: (path: string, isValid: boolean) => void
}

/** The value as a form if its schema gives one, else as text. */
export function ValueField({ entry, draft, setDraft, issues, onValid }: ValueFieldProps) {
  const [asText, setAsText] = useState(false)
  const [isOpen, open] = useState(false)
  if (draft.length > FOLDED && !isOpen) {
    return (
      <div class="field">
        <pre tabIndex={0}>{`${draft.slice(0, 1_000)}…`}</pre>
        <button type="button" onClick={() => open(true)}>
          Show and edit all {sizeOf(draft)}
        </button>
      </div>
    )
  }
  const schema = entry.schema && isExact(draft) && hasForm(entry.schema) ? entry.schema : undefined
  const start = draft === '' && schema ? JSON.stringify(initial(schema)) : draft
  return (
    <>
      {schema && !asText ? (
        <Field
          label="Value"
          schema={schema}
          root={schema}
          value={JSON.parse(start)}
          path={[]}
          issues={issues}
          onValid={onValid}
          disabled={!entry.writable}
          onChange={value => setDraft(pretty(JSON.stringify(value)))}
        />
      ) : (
        <div class="field">
          <label for="text">Value as JSON</label>
          <textarea
            id="text"
            class="code"
            rows={Math.min(24, draft.split('\n').length + 1)}
            spellcheck={false}
            readOnly={!entry.writable}
            value={draft}
            aria-describedby="json-fault"
            onInput={event => setDraft(event.currentTarget.value)}
          />
        </div>
      )}
      {schema || asText ? (
        <button
          type="button"
          class="small"
          disabled={jsonFault(draft) !== undefined}
          onClick={() => setAsText(!asText)}
        >
          {asText ? 'Show as form' : 'Show as JSON'}
        </button>
      ) : null}
    </>
  )
}

/** Whether nothing of the text is lost when a form reads and writes it: numbers with many digits would be. */
function isExact(text: string): boolean {
  if (text === '') return true
  return !jsonFault(text) && pretty(JSON.stringify(JSON.parse(text))) === pretty(text)
}
