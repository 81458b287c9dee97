import { useEffect, useState } from 'preact/hooks'
import { ApiError, ConnectionLost, get, post } from './api'
import { Diff } from './diff'
import { ago } from './format'
import type { Change, Commit, HistoryAnswer, Side } from './types'

/** Who changed what, when and why, with a button that undoes it. */
export function History({ only, tick }: { only: string | undefined; tick: number }) {
  const [page, setPage] = useState<HistoryAnswer>()
  const [message, setMessage] = useState('')
  const [refused, setRefused] = useState<Refused>()
  const load = async (before?: string) => {
    try {
      const next = await get<HistoryAnswer>('api/history', { key: only, before })
      setPage(known => (before && known ? { ...next, commits: [...known.commits, ...next.commits] } : next))
    } catch (error) {
      if (!(error instanceof ConnectionLost)) setMessage((error as Error).message)
    }
  }
  useEffect(() => {
    void load()
  }, [only, tick])
  const revert = async (id: string, force: boolean) => {
    setMessage('Sending…')
    setRefused(undefined)
    try {
      await post('api/revert', { id, force }, () => {})
      setMessage('Reverted: the old values are stored again.')
      await load()
    } catch (error) {
      const why = (error as Error).message
      const mayForce = error instanceof ApiError && error.forcible
      if (mayForce) setRefused({ id, why })
      setMessage(mayForce ? 'Not reverted. Decide below.' : why)
    }
  }
  return (
    <section class="history" aria-labelledby="history-title">
      <h2 id="history-title">{only === undefined ? 'History' : `History of ${only}`}</h2>
      {only === undefined ? null : (
        <p>
          <a href={`#/key/${encodeURIComponent(only)}`}>← {only}</a>
        </p>
      )}
      <p role="status">{message}</p>
      <ol>
        {page?.commits.map(commit => (
          <CommitView
            key={commit.id}
            commit={commit}
            revert={revert}
            refused={refused?.id === commit.id ? refused : undefined}
          />
        ))}
      </ol>
      {page?.next ? (
        <button type="button" onClick={() => void load(page.next)}>
          Show older ones
        </button>
      ) : null}
      {page && !page.next ? (
        <p class="quiet">{page.complete ? 'This is the whole history.' : 'Older changes were dropped.'}</p>
      ) : null}
    </section>
  )
}

/** A commit that was not reverted: later changes or the schema prevent it, and the user may decide otherwise. */
interface Refused {
  readonly id: string
  readonly why: string
}

interface CommitProps {
  readonly commit: Commit
  readonly refused: Refused | undefined
  readonly revert: (id: string, force: boolean) => Promise<void>
}

function CommitView({ commit, refused, revert }: CommitProps) {
  const { id, at, by, reason, via, changes, more, revertible } = commit
  return (
    <li class="commit">
      <h3>
        {by ?? 'No author'} <span class="quiet">via {via}</span>{' '}
        <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
          {ago(at)}
        </time>
      </h3>
      {reason ? <p class="reason">{reason}</p> : null}
      {changes.map(change => (
        <ChangeView key={change.key} id={id} change={change} />
      ))}
      {more ? <p class="quiet">and {more} more keys</p> : null}
      {revertible ? (
        <button
          type="button"
          aria-label={`Revert the change of ${changes.map(({ key }) => key).join(', ')}, ${ago(at)}`}
          onClick={() => void revert(id, false)}
        >
          Revert
        </button>
      ) : null}
      {refused ? (
        <div role="alert">
          <p class="fault">{refused.why}</p>
          <button type="button" onClick={() => void revert(id, true)}>
            Overwrite anyway
          </button>
        </div>
      ) : null}
    </li>
  )
}

function ChangeView({ id, change }: { id: string; change: Change }) {
  const [whole, setWhole] = useState<Change>()
  const { key, masked, before, after } = whole ?? change
  const isFolded = [before, after].some(side => side?.preview !== undefined)
  return (
    <div class="change">
      <h4>
        <a href={`#/key/${encodeURIComponent(key)}`}>{key}</a>
      </h4>
      {masked ? (
        <p class="quiet">The value is masked.</p>
      ) : (
        <Diff before={textOf(before)} after={textOf(after)} titles={['Before', 'After']} />
      )}
      {isFolded && !whole ? (
        <button
          type="button"
          class="small"
          onClick={() => void get<Change>('api/change', { id, key }).then(setWhole, () => {})}
        >
          Show the whole values
        </button>
      ) : null}
    </div>
  )
}

function textOf(side: Side | undefined): string | undefined {
  return side && (side.text ?? side.preview ?? side.fault)
}
