import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, ConnectionLost, get, post } from './api'
import { Diff, sizeOf } from './diff'
import { Field, hasForm, initial } from './form'
import { nameOf } from './format'
import { jsonFault, pretty } from './json-text'
import type { Entry, Issue, Progress } from './types'

/** Longer values are folded, in characters. */
const FOLDED = 20_000

interface EditorProps {
  readonly name: string
  /** Changes whenever the key may have changed. */
  readonly tick: number
  readonly hasHistory: boolean
}

/** What happened to the latest change. */
interface Outcome {
  readonly kind: 'good' | 'bad' | 'busy'
  readonly text: string
}

/** One key: its value, and how to change it. */
export function Editor({ name, tick, hasHistory }: EditorProps) {
  const [entry, setEntry] = useState<Entry>()
  const [draft, setDraft] = useState<string>()
  const [theirs, setTheirs] = useState<Entry>()
  const [outcome, setOutcome] = useState<Outcome>()
  const [issues, setIssues] = useState<readonly Issue[]>([])
  /** What was sent when the connection was lost. */
  const unknown = useRef<{ text: string | undefined } | undefined>(undefined)
  const isDirty = isChanged(entry, draft)
  /** What is on the page now, for answers that arrive later. */
  const now = useRef({ entry, draft })
  now.current = { entry, draft }
  /** Counts requests: only the answer to the latest one counts. */
  const turn = useRef(0)

  const show = (next: Entry) => {
    now.current = { entry: next, draft: startOf(next) }
    setEntry(next)
    setDraft(startOf(next))
    setTheirs(undefined)
    setIssues(next.issues ?? [])
  }
  const found = (next: Entry) => {
    const sent = unknown.current
    unknown.current = undefined
    if (sent) {
      const isThere = isStored(next, sent.text)
      setOutcome(isThere ? FOUND : NOT_FOUND)
      if (isThere) return show(next)
    }
    const { entry, draft } = now.current
    if (entry && next.token === entry.token) return
    if (isChanged(entry, draft)) setTheirs(next)
    else show(next)
  }
  const load = async () => {
    turn.current += 1
    const own = turn.current
    try {
      const next = await get<Entry>('api/key', { key: name })
      if (own === turn.current) found(next)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) setOutcome({ kind: 'bad', text: (error as Error).message })
    }
  }
  const isSending = useRef(false)
  useEffect(() => {
    // The answer to a change says what is stored.
    if (!isSending.current) void load()
  }, [name, tick])

  const send = async (path: string, body: object, sent: string | undefined) => {
    turn.current += 1
    isSending.current = true
    setOutcome({ kind: 'busy', text: 'Sending…' })
    setIssues([])
    try {
      const next = await post<Entry>(path, body, progress => setOutcome({ kind: 'busy', text: describe(progress) }))
      show(next)
      setOutcome({ kind: 'good', text: 'everywhere' in body ? 'Stored, and every process has it.' : 'Stored.' })
    } catch (error) {
      failed(error, sent)
    }
    isSending.current = false
    // What changed meanwhile.
    if (unknown.current === undefined) await load()
  }
  const failed = (error: unknown, sent: string | undefined) => {
    if (error instanceof ConnectionLost) {
      unknown.current = { text: sent }
      setOutcome({
        kind: 'bad',
        text: 'The connection was lost: it is not known whether your change was stored. It is not sent again; the page looks as soon as it is connected.',
      })
    } else if (error instanceof ApiError && error.code === 'CONFLICT' && error.current) {
      setTheirs(error.current)
      setOutcome({ kind: 'bad', text: 'Not stored: someone else changed this key meanwhile. Decide below.' })
    } else if (error instanceof ApiError && error.waitingFor && error.waitingFor.length > 0) {
      setOutcome({
        kind: 'bad',
        text: `Stored, but these may still read the old value: ${error.waitingFor.map(nameOf).join(', ')}`,
      })
    } else {
      if (error instanceof ApiError) setIssues(error.issues ?? [])
      setOutcome({ kind: 'bad', text: (error as Error).message })
    }
  }
  return (
    <section class="editor" aria-labelledby="key-title">
      <p>
        <a href="#/" class="back">
          ← Keys
        </a>
      </p>
      <h2 id="key-title">{name}</h2>
      <p role="status" class={`outcome ${outcome?.kind ?? ''}`}>
        {outcome?.text}
      </p>
      {entry && entry.key === name && draft !== undefined ? (
        <>
          {theirs ? (
            <Conflict
              entry={entry}
              theirs={theirs}
              draft={draft}
              keep={() => show(theirs)}
              overwrite={() => setEntryToken(entry, theirs, setEntry, setTheirs)}
            />
          ) : null}
          <Form
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

const FOUND: Outcome = { kind: 'good', text: 'The connection is back: your change is stored.' }

const NOT_FOUND: Outcome = {
  kind: 'bad',
  text: 'The connection is back: your change is not stored. Nothing was sent again.',
}

function isStored({ text }: Entry, sent: string | undefined): boolean {
  return text === undefined || sent === undefined ? text === sent : same(text, sent)
}

function isChanged(entry: Entry | undefined, draft: string | undefined): boolean {
  return entry !== undefined && draft !== undefined && draft !== startOf(entry)
}

/** From now on, saving overwrites what the others stored. */
function setEntryToken(
  entry: Entry,
  theirs: Entry,
  setEntry: (entry: Entry) => void,
  setTheirs: (entry: undefined) => void,
) {
  setEntry({ ...entry, ...theirs })
  setTheirs(undefined)
}

/** What the text field begins with. */
function startOf({ text, default: standard }: Entry): string {
  return pretty(text ?? standard ?? '')
}

function same(left: string, right: string): boolean {
  return pretty(left) === pretty(right)
}

function describe({ current, total, waitingFor }: Progress): string {
  const who = waitingFor.slice(0, 3).map(nameOf).join(', ')
  return `Stored. ${current} of ${total} processes have it${who ? `; waiting for ${who}` : ''}.`
}

interface ConflictProps {
  readonly entry: Entry
  readonly theirs: Entry
  readonly draft: string
  readonly keep: () => void
  readonly overwrite: () => void
}

function Conflict({ theirs, draft, keep, overwrite }: ConflictProps) {
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

interface FormProps {
  readonly entry: Entry
  readonly draft: string
  readonly setDraft: (draft: string) => void
  readonly issues: readonly Issue[]
  readonly isDirty: boolean
  readonly isBusy: boolean
  readonly send: (path: string, body: object, sent: string | undefined) => Promise<void>
}

function Form({ entry, draft, setDraft, issues, isDirty, isBusy, send }: FormProps) {
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
      <Value entry={entry} draft={draft} setDraft={setDraft} issues={issues} onValid={onValid} />
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
                {entry.default === undefined ? 'Remove the key' : 'Reset to default'}
              </button>
            ) : null}
            {canReset && entry.default !== undefined ? (
              <span class="quiet">The default is {shorten(entry.default)}</span>
            ) : null}
          </p>
        </>
      ) : (
        <p class="quiet">You can see this key, but not change it.</p>
      )}
    </form>
  )
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

interface ValueProps {
  readonly entry: Entry
  readonly draft: string
  readonly setDraft: (draft: string) => void
  readonly issues: readonly Issue[]
  readonly onValid: (path: string, isValid: boolean) => void
}

/** The value as a form if its schema gives one, else as text. */
function Value({ entry, draft, setDraft, issues, onValid }: ValueProps) {
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
