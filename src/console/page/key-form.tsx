import { useRef, useState } from 'preact/hooks'
import { Diff } from './diff'
import { jsonFault } from './json-text'
import type { Entry, Issue } from './types'
import type { Send } from './use-key'
import { ValueField } from './value-field'

interface KeyFormProps {
  readonly entry: Entry
  readonly draft: string
  readonly setDraft: (draft: string) => void
  readonly issues: readonly Issue[]
  readonly isDirty: boolean
  readonly isBusy: boolean
  readonly send: Send
}

/** The value, the reason and the buttons of one key. */
export function KeyForm({ entry, draft, setDraft, issues, isDirty, isBusy, send }: KeyFormProps) {
  const [reason, setReason] = useState('')
  const [everywhere, setEverywhere] = useState(false)
  const invalid = useRef(new Set<string>())
  const [, refresh] = useState(0)
  const fault = draft.startsWith('rich:') ? undefined : jsonFault(draft)
  const isFit = !fault && invalid.current.size === 0
  const common = { key: entry.key, token: entry.token, ...(reason && { reason }), ...(everywhere && { everywhere }) }
  const onValid = (path: string, isValid: boolean) => {
    const had = invalid.current.has(path)
    if (isValid) invalid.current.delete(path)
    else invalid.current.add(path)
    if (had === isValid) refresh(count => count + 1)
  }
  const canReset = entry.writable && entry.stored && !isBusy
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        void send('api/save', { ...common, text: draft }, draft)
      }}
    >
      {entry.fault ? <p class="fault">{entry.fault}</p> : null}
      {entry.masked ? <p>The value of this key never leaves the server. You can replace it.</p> : null}
      <ValueField entry={entry} draft={draft} setDraft={setDraft} issues={issues} onValid={onValid} />
      {fault && draft !== '' ? (
        <p class="fault" id="json-fault">{`Line ${fault.line}, column ${fault.column}: ${fault.message}.`}</p>
      ) : null}
      {issues
        .filter(({ path }) => path.length === 0 || !entry.schema)
        .map(({ path, message }) => (
          <p class="fault">{path.length > 0 ? `${path.join('.')}: ${message}` : message}</p>
        ))}
      {isDirty && !entry.masked ? <Diff before={entry.text} after={draft} titles={['Stored', 'New']} /> : null}
      {entry.writable ? (
        <>
          <div class="field">
            <label for="reason">Reason</label>
            <input
              id="reason"
              maxLength={1000}
              value={reason}
              onInput={event => setReason(event.currentTarget.value)}
            />
          </div>
          <label class="check">
            <input
              type="checkbox"
              role="switch"
              aria-checked={everywhere}
              checked={everywhere}
              onChange={event => setEverywhere(event.currentTarget.checked)}
            />
            Everywhere: wait until every process has it
          </label>
          <p class="buttons">
            <button
              type="submit"
              class="main"
              disabled={isBusy || !isFit || !(isDirty || entry.masked || !entry.stored)}
            >
              Save
            </button>
            {canReset ? (
              <button type="button" onClick={() => void send('api/unset', common, undefined)}>
                {entry.hasDefault ? 'Reset to default' : 'Remove the key'}
              </button>
            ) : null}
            {canReset && entry.hasDefault ? <span class="quiet">{describeDefault(entry)}</span> : null}
          </p>
        </>
      ) : (
        <p class="quiet">You can see this key, but not change it.</p>
      )}
    </form>
  )
}

function describeDefault({ masked, default: text }: Entry): string {
  if (masked) return 'The default is masked.'
  return text === undefined ? 'The default cannot be shown as text.' : `The default is ${shorten(text)}`
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
