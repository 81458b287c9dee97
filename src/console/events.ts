import { clearTimeout, setTimeout } from '../time/clock.js'
import type { Desk } from './desk.js'
import type { Operator } from './operator.js'
import { Refusal } from './refusal.js'

/** How many pages may be open at the same time. */
const MAX_STREAMS = 200

/** With more changed keys than this at once, the page reads the list again. */
const MAX_KEYS = 200

/** How long changes are collected, in ms. */
const COLLECT = 50

/** How often the page hears that it is connected, and the user's rights are asked for again, in ms. */
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
  readonly #listeners = new Set<Listener>()
  #stop: (() => void) | undefined

  constructor(operator: Operator) {
    this.#operator = operator
  }

  /** @param renew - returns the user's rights now, or rejects. */
  stream(desk: Desk, renew: () => Promise<Desk>): ReadableStream<Uint8Array> {
    if (this.#listeners.size >= MAX_STREAMS) throw new Refusal(503, 'BUSY', 'Too many pages of this console are open.')
    const pending = new PendingEvents(desk, renew)
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
    const onClose = () => all(one => one.end())
    emitter.on('change', onChange)
    emitter.on('sync', onSync)
    closed.addEventListener('abort', onClose)
    const stopPolling = isLive ? () => {} : poll(() => this.#operator.sync())
    return () => {
      emitter.off('change', onChange)
      emitter.off('sync', onSync)
      closed.removeEventListener('abort', onClose)
      stopPolling()
    }
  }
}

/** Calls it again and again, also after it rejected. */
function poll(work: () => Promise<unknown>): () => void {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const again = () => {
    if (stopped) return
    timer = setTimeout(() => void work().then(again, again), POLL)
    timer.unref()
  }
  again()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** What one page does not know yet. It is bounded: keys that change often count once, and many at once make it read the list. */
class PendingEvents implements Listener {
  readonly #renew: () => Promise<Desk>
  readonly #keys = new Set<string>()
  #desk: Desk
  #reload = false
  #ended = false
  #greeted = false
  #wake = () => {}

  constructor(desk: Desk, renew: () => Promise<Desk>) {
    this.#desk = desk
    this.#renew = renew
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
      if (!this.#isDue()) await this.#until(HEARTBEAT)
      if (this.#ended) return undefined
      if (!this.#isDue()) return this.#heartbeat()
      await this.#until(COLLECT, false)
      const events = this.#ended ? undefined : await this.#take()
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

  async #heartbeat(): Promise<string | undefined> {
    try {
      this.#desk = await this.#renew()
      return 'event: beat\ndata: {}\n\n'
    } catch {
      return undefined
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
