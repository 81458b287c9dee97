import { clearTimeout, now, setTimeout } from '../time/clock.js'
import type { Desk } from './desk.js'
import type { Operator } from './operator.js'
import { Refusal } from './refusal.js'

/** How many pages may be open at the same time. */
const MAX_STREAMS = 200

/** With more changed keys than this at once, the page reads the list again. */
const MAX_KEYS = 200

/** How long changes are collected, in ms. */
const COLLECT = 50

/** How often the page hears that it is connected, and at least how often the user's rights are asked for again, in ms. */
const HEARTBEAT = 15_000

/** How often a dictionary without `live` looks for changes while a page is open, in ms. */
const POLL = 1_000

/** What changed, for one page. */
interface Listener {
  changed(key: string): void
  reload(): void
  end(): void
}

/** Tells open pages what changes (server-sent events). Events carry what the list shows; the page asks for everything else. */
export class Events {
  readonly #operator: Operator
  readonly #heartbeat: number
  readonly #listeners = new Set<Listener>()
  #stop: (() => void) | undefined
  #closed = false

  constructor(operator: Operator, heartbeat = HEARTBEAT) {
    this.#operator = operator
    this.#heartbeat = heartbeat
  }

  /** Ends all streams: a server waits for them before it closes. */
  close(): void {
    this.#closed = true
    for (const listener of [...this.#listeners]) listener.end()
  }

  /** @param renew - returns the user's rights now, or rejects. */
  stream(desk: Desk, renew: () => Promise<Desk>): ReadableStream<Uint8Array> {
    if (this.#closed) throw new Refusal(503, 'CLOSED', 'This console is closed.')
    if (this.#listeners.size >= MAX_STREAMS) throw new Refusal(503, 'BUSY', 'Too many pages of this console are open.')
    const pending = new PendingEvents(desk, renew, this.#heartbeat)
    const leave = () => {
      this.#listeners.delete(pending)
      if (this.#listeners.size === 0) this.#pause()
    }
    this.#listeners.add(pending)
    this.#stop ??= this.#start()
    const encoder = new TextEncoder()
    return new ReadableStream<Uint8Array>(
      {
        pull: async controller => {
          const text = await pending.next()
          if (text !== undefined) return controller.enqueue(encoder.encode(text))
          leave()
          controller.close()
        },
        cancel: () => {
          pending.end()
          leave()
        },
      },
      { highWaterMark: 0 },
    )
  }

  #pause(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #start(): () => void {
    const { emitter, closed, isLive } = this.#operator
    const all = (notify: (listener: Listener) => void) => {
      for (const listener of [...this.#listeners]) notify(listener)
    }
    const onChange = ({ key }: { readonly key: string }) => all(one => one.changed(key))
    const onSync = ({ reason }: { readonly reason: string }) => reason === 'diverged' && all(one => one.reload())
    // The list says whether the store can be reached.
    const onReach = () => all(one => one.reload())
    const onClose = () => all(one => one.end())
    emitter.on('change', onChange)
    emitter.on('sync', onSync)
    emitter.on('stale', onReach)
    emitter.on('fresh', onReach)
    closed.addEventListener('abort', onClose)
    const stopPolling = isLive ? () => {} : poll(() => this.#operator.sync(), onReach)
    return () => {
      emitter.off('change', onChange)
      emitter.off('sync', onSync)
      emitter.off('stale', onReach)
      emitter.off('fresh', onReach)
      closed.removeEventListener('abort', onClose)
      stopPolling()
    }
  }
}

/** Calls it again and again, also after it rejected. `onTurn`: it rejects now, or does not any more. */
function poll(work: () => Promise<unknown>, onTurn: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let wasWell = true
  const again = (isWell: boolean) => {
    if (stopped) return
    if (isWell !== wasWell) onTurn()
    wasWell = isWell
    const next = () =>
      void work().then(
        () => again(true),
        () => again(false),
      )
    timer = setTimeout(next, POLL)
    timer.unref()
  }
  again(true)
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** What one page does not know yet. It is bounded: keys that change often count once, and many at once make it read the list. */
class PendingEvents implements Listener {
  readonly #renew: () => Promise<Desk>
  readonly #heartbeat: number
  readonly #keys = new Set<string>()
  #desk: Desk
  #renewedAt = now()
  #reload = false
  #ended = false
  #greeted = false
  #wake = () => {}

  constructor(desk: Desk, renew: () => Promise<Desk>, heartbeat: number) {
    this.#desk = desk
    this.#renew = renew
    this.#heartbeat = heartbeat
  }

  changed(key: string): void {
    if (this.#keys.size >= MAX_KEYS) this.#reload = true
    else this.#keys.add(key)
    this.#wake()
  }

  reload(): void {
    this.#reload = true
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** Returns the next events; `undefined` at the end. */
  async next(): Promise<string | undefined> {
    if (!this.#greeted) {
      this.#greeted = true
      return 'retry: 1000\nevent: ready\ndata: {}\n\n'
    }
    for (;;) {
      if (!this.#isDue()) await this.#until(this.#heartbeat)
      if (this.#ended) return undefined
      if (!this.#isDue()) return (await this.#mayStay(0)) ? 'event: beat\ndata: {}\n\n' : undefined
      await this.#until(COLLECT, false)
      // Where something always changes, no heartbeat ever asks.
      if (this.#ended || !(await this.#mayStay(this.#heartbeat))) return undefined
      const events = await this.#take()
      if (this.#ended || events !== undefined) return events
    }
  }

  #isDue(): boolean {
    return this.#reload || this.#keys.size > 0 || this.#ended
  }

  /** Waits this long, or until something happened. */
  async #until(ms: number, early = true): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      timer = setTimeout(resolve, ms)
      if (early) this.#wake = resolve
    })
    clearTimeout(timer)
    this.#wake = () => {}
  }

  /** Asks for the user's rights if the last answer is older than this, in ms. Returns false if there are none. */
  async #mayStay(age: number): Promise<boolean> {
    if (now() - this.#renewedAt < age) return true
    try {
      this.#desk = await this.#renew()
      this.#renewedAt = now()
      return true
    } catch {
      return false
    }
  }

  /** Returns `undefined` if the user may see none of it. */
  async #take(): Promise<string | undefined> {
    const keys = [...this.#keys]
    const reload = this.#reload
    this.#keys.clear()
    this.#reload = false
    if (reload) return 'event: reload\ndata: {}\n\n'
    const items = await this.#desk.changed(keys)
    return items.length === 0 ? undefined : `event: change\ndata: ${JSON.stringify({ items })}\n\n`
  }
}
