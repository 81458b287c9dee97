import assert from 'node:assert/strict'
import type { Backend } from '../contract/backend.js'
import { capabilities } from '../contract/capabilities.js'
import { DurableDict } from '../dictionary/durable-dict.js'
import type { CommonOptions } from '../dictionary/options.js'
import { FaultyBackend, type Method } from './faulty-backend.js'
import type { Capability, Fixture, Mode, Subject } from './subject.js'

/** How long a test waits for one event, in ms, before the subject's scale. */
const PATIENCE = 5_000

/** The shortest and the longest time limit of a dictionary whose store hangs, in ms, before the subject's scale. */
const SHORTEST = 500
const LONGEST = 2_000

/** How many times as long as an answer of the store the time limit is. */
const ANSWERS = 12

/** Options of a dictionary with any schema and defaults. */
export type AnyOptions = CommonOptions & { schema?: unknown; defaults?: Record<string, unknown> }

/** A dictionary of the suite: any key, any value. */
export type Dict = DurableDict<Record<string, unknown>>

/** The environment of one test: a separate store, and everything opened on it. */
export class World {
  readonly mode: Mode
  readonly patience: number
  readonly #scale: number
  readonly #subject: Subject
  readonly #fixture: Fixture
  readonly #others: Fixture[] = []
  readonly #raw: Backend<unknown>[] = []
  readonly #taps: { tap: FaultyBackend; dict?: Dict }[] = []

  private constructor(subject: Subject, fixture: Fixture, mode: Mode) {
    this.mode = mode
    this.#subject = subject
    this.#fixture = fixture
    this.#scale = subject.timeoutScale ?? 1
    this.patience = PATIENCE * this.#scale
  }

  static async create(subject: Subject, mode: Mode): Promise<World> {
    return new World(subject, await subject.create(), mode)
  }

  /**
   * Returns a time limit for a dictionary whose store hangs, in ms. The calls that do not hang must answer within it too: it is many
   * times what the store has just taken to open a backend and to answer. Tests wait longer only on a busy machine.
   */
  async timeLimit(): Promise<number> {
    const started = performance.now()
    const backend = await this.backend()
    await backend.lastUpdated()
    const needed = Math.ceil(ANSWERS * (performance.now() - started))
    return Math.min(Math.max(SHORTEST * this.#scale, needed), LONGEST * this.#scale)
  }

  /** Whether the subject declares that its backend has the capability. */
  supports(capability: Capability): boolean {
    if (capability === 'linearizable' && this.mode.consistency === 'linearizable') return true
    return this.#subject.missing?.[capability] === undefined
  }

  /** Checks that the subject declares the capabilities of its backend. */
  async checkDeclared(): Promise<void> {
    declared(await this.backend(), this.#subject)
  }

  /** Returns a plain backend on the store. */
  async backend<S = string>(): Promise<Backend<S>> {
    const backend = await this.#fixture.backend()
    this.#raw.push(backend)
    return backend as Backend<S>
  }

  /** Returns a backend on a separate store. */
  async elsewhere(): Promise<Backend<string>> {
    const fixture = await this.#subject.create()
    this.#others.push(fixture)
    const backend = await fixture.backend()
    this.#raw.push(backend)
    return backend as Backend<string>
  }

  /** Returns a backend on the store whose calls can be counted and failed, for a dictionary. */
  async tap(): Promise<FaultyBackend> {
    const tap = new FaultyBackend(await this.#fixture.backend())
    this.#taps.push({ tap })
    return tap
  }

  /** Opens a dictionary on the store in the mode under test. */
  async open(options: AnyOptions = {}): Promise<Dict> {
    const tap = await this.tap()
    tap.letKnow()
    return this.openOn(tap, options)
  }

  async openOn(tap: FaultyBackend, options: AnyOptions = {}): Promise<Dict> {
    const dict: Dict = await DurableDict.open(tap.backend, { ...this.mode, ...options } as CommonOptions)
    const entry = this.#taps.find(one => one.tap === tap)
    if (entry) entry.dict = dict
    return dict
  }

  /** Marks a dictionary that a test has failed to close on purpose. */
  forget(dict: Dict): void {
    const index = this.#taps.findIndex(one => one.dict === dict)
    if (index >= 0) this.#taps.splice(index, 1)
  }

  /** The methods that a check, a load and a write call. */
  get path(): { readonly check: Method[]; readonly load: Method[]; readonly write: Method[] } {
    return {
      check: this.supports('changesSince') ? ['changesSince'] : ['lastUpdated'],
      load: this.supports('load') ? ['load'] : ['durables'],
      write: this.supports('commit') ? ['commit'] : ['persist', 'depersist', 'pop', 'setDefault'],
    }
  }

  /** Waits as the mode requires: a live dictionary follows by itself, another one must catch up. */
  async see(dict: Dict, predicate: () => boolean): Promise<void> {
    if (this.mode.live) return this.until(dict, predicate)
    await dict.sync()
    assert.ok(predicate(), `after sync() memory must show what was written before: ${predicate}`)
  }

  /** Waits until the predicate holds, asking again at each event of the dictionary. */
  async until(dict: Dict, predicate: () => boolean): Promise<void> {
    if (predicate()) return
    await this.within(
      new Promise<void>(resolve => {
        const ask = () => predicate() && resolve()
        for (const event of ['sync', 'stale', 'fresh', 'close'] as const) dict.on(event, ask)
      }),
      `it must become true: ${predicate}`,
    )
  }

  /** Returns the answer. Fails if it takes too long. */
  async within<V>(work: Promise<V>, what: string, ms = this.patience): Promise<V> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new assert.AssertionError({ message: `Not within ${ms} ms: ${what}` })), ms)
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }

  /**
   * Fails if the work takes longer. Measured by a timer of this process: on a busy machine it is as late as those of the dictionary.
   */
  async inTime(work: Promise<unknown>, ms: number): Promise<void> {
    const ended = work.then(
      () => {},
      () => {},
    )
    await this.within(ended, 'it must end', ms)
  }

  /** Closes everything, and checks that no backend was called after it was closed. */
  async dispose(): Promise<void> {
    for (const { tap } of this.#taps) tap.heal()
    const closing = this.#taps.map(({ tap, dict }) => (dict ? dict.close() : closeAlone(tap)))
    const closed = await Promise.allSettled([...closing, ...this.#raw.map(async backend => backend.close?.())])
    for (const fixture of [this.#fixture, ...this.#others]) await fixture.dispose()
    for (const result of closed) if (result.status === 'rejected') throw result.reason
    for (const { tap } of this.#taps) closedLast(tap)
  }
}

/** What the subject declares must be what its backend says. */
function declared(backend: Backend<unknown>, { missing = {} }: Subject): void {
  const bytes = backend.valueKind === 'bytes' || backend.valueKind === 'references'
  for (const [capability, supported] of Object.entries({ ...capabilities(backend), bytes })) {
    const reason = missing[capability as Capability]
    const said = reason === undefined ? 'does not name it as missing' : `names it as missing: ${reason}`
    assert.equal(supported, reason === undefined, `${capability}: the subject ${said}`)
  }
}

async function closeAlone(tap: FaultyBackend): Promise<void> {
  if (tap.count('close') === 0) await tap.backend.close?.()
}

function closedLast(tap: FaultyBackend): void {
  assert.equal(tap.count('close'), 1, 'a backend must be closed exactly once')
  assert.equal(tap.calls.at(-1)?.method, 'close', 'no call may come after close()')
}
