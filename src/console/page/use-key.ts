import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiError, ConnectionLost, get, post } from './api'
import { draftOf, keepDraft } from './drafts'
import { isChanged, isSameValue, isStored, startOf } from './entry-text'
import { nameOf } from './format'
import type { Entry, Issue, Progress } from './types'

/** What happened to the latest change. */
export interface Outcome {
  readonly kind: 'good' | 'bad' | 'busy'
  readonly text: string
}

/** Sends a change. `sent`: the text that is then stored. */
export type Send = (path: string, body: object, sent: string | undefined) => Promise<void>

const FOUND: Outcome = { kind: 'good', text: 'The connection is back: your change is stored.' }

const NOT_FOUND: Outcome = bad('The connection is back: your change is not stored. Nothing was sent again.')

const LOST: Outcome = bad(
  'The connection was lost: it is not known whether your change was stored. It is not sent again; the page looks as soon as it is connected.',
)

/**
 * The state of one key on the page: what is stored, what the user typed, and what others stored meanwhile.
 *
 * @param tick - changes whenever the key may have changed.
 */
export function useKey(name: string, tick: number) {
  const [entry, setEntry] = useState(() => draftOf(name)?.entry)
  const [draft, setDraft] = useState(() => draftOf(name)?.text)
  const [theirs, setTheirs] = useState<Entry>()
  const [outcome, setOutcome] = useState<Outcome>()
  const [issues, setIssues] = useState<readonly Issue[]>([])
  /** What was sent when the connection was lost. */
  const unknown = useRef<{ text: string | undefined } | undefined>(undefined)
  /** What is on the page now, for answers that arrive later. */
  const now = useRef({ entry, draft })
  now.current = { entry, draft }
  /** Counts requests: only the answer to the latest one counts. */
  const turn = useRef(0)
  const isSending = useRef(false)
  const isDirty = isChanged(entry, draft)
  // At once: an effect that waits for the next frame is lost if the user leaves before it.
  useLayoutEffect(() => {
    keepDraft(name, isDirty && entry && draft !== undefined ? { entry, text: draft } : undefined)
  }, [name, isDirty, entry, draft])

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
    if (entry && isSameValue(entry, next)) return
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
      if (!(error instanceof ConnectionLost)) setOutcome(bad((error as Error).message))
    }
  }
  useEffect(() => {
    // The answer to a change says what is stored.
    if (!isSending.current) void load()
  }, [name, tick])

  const send: Send = async (path, body, sent) => {
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
    setOutcome(outcomeOf(error))
    if (error instanceof ConnectionLost) unknown.current = { text: sent }
    else if (error instanceof ApiError && error.current) setTheirs(error.current)
    else if (error instanceof ApiError) setIssues(error.issues ?? [])
  }
  /** From now on, saving overwrites what the others stored. */
  const overwrite = () => {
    if (entry && theirs) setEntry({ ...entry, ...theirs })
    setTheirs(undefined)
  }
  const keep = () => theirs && show(theirs)
  return { entry, draft, setDraft, theirs, outcome, issues, isDirty, send, keep, overwrite }
}

function bad(text: string): Outcome {
  return { kind: 'bad', text }
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof ConnectionLost) return LOST
  if (error instanceof ApiError && error.current)
    return bad('Not stored: someone else changed this key meanwhile. Decide below.')
  if (error instanceof ApiError && error.waitingFor && error.waitingFor.length > 0)
    return bad(`Stored, but these may still read the old value: ${error.waitingFor.map(nameOf).join(', ')}`)
  return bad((error as Error).message)
}

function describe({ current, total, waitingFor }: Progress): string {
  const who = waitingFor.slice(0, 3).map(nameOf).join(', ')
  return `Stored. ${current} of ${total} processes have it${who ? `; waiting for ${who}` : ''}.`
}
