import type { Item } from './types'

/** After this long without a sign of life the connection counts as lost, in ms. The server sends one each 15 seconds. */
const SILENCE = 40_000

/** How long to wait before a new connection, in ms, if the browser does not make one itself. */
const RETRY = 1_000

export interface LiveListener {
  /** Connected, also again: what happened before is not known. */
  ready(): void
  changed(items: readonly Item[]): void
  lost(): void
}

/**
 * Follows the server's events while the page is visible. Returns a function that ends it. Browsers open six connections to a server at
 * most: the streams of hidden pages would use them up, and no other request of the same site would be sent.
 */
export function follow(listener: LiveListener): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  const connect = () => {
    if (ended || document.hidden) return
    source?.close()
    const own = new EventSource('api/events')
    source = own
    const alive = () => {
      clearTimeout(timer)
      timer = setTimeout(fail, SILENCE)
    }
    const fail = () => {
      listener.lost()
      own.close()
      clearTimeout(timer)
      timer = setTimeout(connect, RETRY)
    }
    own.addEventListener('ready', () => {
      alive()
      listener.ready()
    })
    own.addEventListener('beat', alive)
    own.addEventListener('reload', () => {
      alive()
      listener.ready()
    })
    own.addEventListener('change', event => {
      alive()
      listener.changed((JSON.parse(event.data) as { items: Item[] }).items)
    })
    own.onerror = fail
    alive()
  }
  const pause = () => {
    clearTimeout(timer)
    source?.close()
  }
  const onVisibility = () => (document.hidden ? pause() : connect())
  document.addEventListener('visibilitychange', onVisibility)
  connect()
  return () => {
    ended = true
    document.removeEventListener('visibilitychange', onVisibility)
    pause()
  }
}
