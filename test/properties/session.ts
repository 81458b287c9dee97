import { expect } from 'vitest'
import { type Change, EncodingError, KeyError, type Snapshot, type Transaction } from '../../src/index.js'
import { type Command, DEFAULTS, KEYS, type TxStep, type Value } from './commands.js'
import type { Dict, Options, Place } from './places.js'

type Model = Map<string, unknown>

/** Which states of the history a read may return, by mode. */
export interface Mode {
  readonly name: string
  readonly options: Options
  /** Reads check the store. */
  readonly checked: boolean
  /** Memory advances by itself. */
  readonly pushed: boolean
}

interface Watching {
  readonly model: Model
  readonly key: string | undefined
  readonly stream: AsyncIterableIterator<Change>
  readonly dict: 0 | 1
}

const GONE = Symbol('not there')

/**
 * Two dictionaries over one store, and the history of the store as a list of plain Maps. The test tracks the earliest
 * state that each dictionary's memory may hold. A read must return that state or a later one: exactly the last one if
 * it is checked, and exactly the tracked one if only calls advance memory.
 */
export class Session {
  readonly #history: Model[] = [new Map()]
  readonly #earliest = [0, 0]
  readonly #snapshots: [Snapshot, Model][] = []
  readonly #watching: Watching[] = []
  readonly #modes: readonly [Mode, Mode]
  readonly #dicts: readonly [Dict, Dict]
  #mark = 0

  private constructor(modes: readonly [Mode, Mode], dicts: readonly [Dict, Dict]) {
    this.#modes = modes
    this.#dicts = dicts
  }

  static async run(place: Place, modes: readonly [Mode, Mode], commands: readonly Command[]): Promise<void> {
    const open = (mode: Mode) => place.open({ ...mode.options, defaults: DEFAULTS })
    const dicts = [await open(modes[0]), await open(modes[1])] as const
    const session = new Session(modes, dicts)
    try {
      for (const command of commands) await session.#perform(command)
      await session.#finish()
    } finally {
      await Promise.all(dicts.map(dict => dict.close()))
    }
  }

  get #now(): Model {
    return this.#history.at(-1) as Model
  }

  // The states that a read may return.

  #candidates(dict: 0 | 1, checked: boolean): [number, number] {
    const last = this.#history.length - 1
    if (checked) return [last, last]
    const earliest = this.#earliest[dict] as number
    return [earliest, this.#modes[dict].pushed ? last : earliest]
  }

  /** The earliest state that explains the read: any later choice would only rule out more. */
  #agree(dict: 0 | 1, seen: unknown, show: (model: Model) => unknown, checked = this.#modes[dict].checked): void {
    const [from, to] = this.#candidates(dict, checked)
    for (let index = from; index < to; index += 1) {
      if (!same(seen, show(this.#history[index] as Model))) continue
      this.#earliest[dict] = index
      return
    }
    expect(seen).toEqual(show(this.#history[to] as Model))
    this.#earliest[dict] = to
  }

  /** A write: the store advanced to `next`, and so did its author's memory. */
  #written(dict: 0 | 1, next?: Model): void {
    if (next) this.#history.push(next)
    this.#earliest[dict] = this.#history.length - 1
  }

  #edit(edit: (model: Model) => void): Model {
    const next = new Map(this.#now)
    edit(next)
    return next
  }

  // The commands.

  async #perform(command: Command): Promise<void> {
    const dict = this.#dicts[command.dict]
    switch (command.do) {
      case 'get':
        return this.#agree(command.dict, await dict.get(command.key), model => read(model, command.key))
      case 'getOrThrow':
        return this.#agree(command.dict, await dict.getOrThrow(command.key).catch(orGone), model =>
          orElseGone(read(model, command.key)),
        )
      case 'has':
        return this.#agree(command.dict, await dict.has(command.key), model => model.has(command.key))
      case 'localGet':
        return this.#agree(command.dict, dict.local.get(command.key), model => read(model, command.key), false)
      case 'localHas':
        return this.#agree(command.dict, dict.local.has(command.key), model => model.has(command.key), false)
      case 'size':
        return this.#agree(command.dict, await dict.size(), model => model.size)
      case 'keys':
        return this.#agree(command.dict, (await dict.keys()).sort(), model => [...model.keys()].sort())
      case 'values':
        return this.#agree(command.dict, sorted(await dict.values()), model => sorted([...model.values()]))
      case 'entries':
        return this.#agree(command.dict, new Map(await dict.entries()), model => model)
      case 'iterate':
        return this.#agree(command.dict, new Map(await collect(dict)), model => model)
      case 'local':
        expect(dict.local.size).toBe([...dict.local.keys()].length)
        return this.#agree(command.dict, new Map(dict.local), model => model, false)
      case 'snapshot':
        return this.#snapshot(command.dict)
      case 'watch':
        return this.#watch(command.dict, undefined)
      case 'watchKey':
        return this.#watch(command.dict, command.key)
      case 'sync':
        await dict.sync()
        return this.#written(command.dict)
      case 'turn':
        return new Promise(resolve => setImmediate(resolve))
      default:
        return this.#write(command, dict)
    }
  }

  async #write(command: Command, dict: Dict): Promise<void> {
    const before = this.#now
    switch (command.do) {
      case 'set':
        await dict.set(command.key, command.value)
        return this.#written(
          command.dict,
          this.#edit(model => model.set(command.key, command.value)),
        )
      case 'delete':
        expect(await dict.delete(command.key)).toBe(before.has(command.key))
        return this.#written(
          command.dict,
          this.#edit(model => model.delete(command.key)),
        )
      case 'pop':
        expect(await dict.pop(command.key).catch(orGone)).toEqual(orElseGone(before.get(command.key)))
        return this.#written(
          command.dict,
          this.#edit(model => model.delete(command.key)),
        )
      case 'popFallback': {
        const wanted = before.has(command.key) ? before.get(command.key) : command.value
        expect(await dict.pop(command.key, command.value)).toEqual(wanted)
        return this.#written(
          command.dict,
          this.#edit(model => model.delete(command.key)),
        )
      }
      case 'setDefault': {
        const { version } = dict
        const earliest = this.#earliest[command.dict]
        const wanted = before.has(command.key) ? before.get(command.key) : command.value
        expect(await dict.setDefault(command.key, command.value)).toEqual(wanted)
        // If nothing changed, neither did the version.
        if (before.has(command.key) && earliest === this.#history.length - 1) expect(dict.version).toBe(version)
        return this.#written(
          command.dict,
          this.#edit(model => model.set(command.key, wanted)),
        )
      }
      case 'clear':
        await dict.clear()
        return this.#written(command.dict, new Map())
      case 'update':
        await dict.update(given(command.pairs, command.as))
        if (command.pairs.length === 0) return
        return this.#written(command.dict, new Map([...before, ...command.pairs]))
      case 'setUndefined':
        return expect(dict.set('a', undefined)).rejects.toThrow(TypeError)
      case 'badUpdate':
        return expect(
          dict.update([
            ['a', 'never'],
            ['b', () => {}],
          ]),
        ).rejects.toThrow(EncodingError)
      case 'transact':
        return this.#transact(command, dict)
      default:
        throw new Error(`No such command: ${command.do}`)
    }
  }

  async #transact(command: Extract<Command, { do: 'transact' }>, dict: Dict): Promise<void> {
    const stop = new Error('stop')
    const recorded: boolean[] = []
    const fn = async (tx: Transaction<Record<string, unknown>>) => {
      // It begins on the latest state if reads are checked, and after a conflict.
      if (this.#modes[command.dict].checked || recorded.length > 0) this.#written(command.dict)
      const model = new Map(dict.local)
      recorded.push(command.steps.map(step => runStep(tx, model, step)).includes(true))
      if (command.ending === 'throw') throw stop
      if (command.ending === 'conflict' && recorded.length === 1) await this.#interfere(command.dict === 0 ? 1 : 0)
      return recorded.length
    }
    if (command.ending === 'throw') return expect(dict.transact(fn)).rejects.toBe(stop)
    expect(await dict.transact(fn)).toBe(recorded.length)
    const interfered = command.ending === 'conflict' && recorded[0]
    if (interfered) expect(recorded.length).toBe(2)
    // It began on what memory happened to hold, and may have been too late.
    else expect(recorded.length).toBeLessThanOrEqual(this.#modes[command.dict].checked ? 1 : 2)
    if (!recorded.at(-1)) return
    // Everything that it read was unchanged when it was committed: it had the same effect on the latest state as on its
    // own.
    const after = new Map(this.#now)
    for (const step of command.steps) stepOnModel(after, step)
    this.#written(command.dict, after)
  }

  /** The other dictionary writes every key. */
  async #interfere(dict: 0 | 1): Promise<void> {
    this.#mark += 1
    const interference = new Map(KEYS.map(key => [key, `mark ${this.#mark}`]))
    await this.#dicts[dict].update(interference)
    this.#written(dict, new Map([...this.#now, ...interference]))
  }

  async #snapshot(dict: 0 | 1): Promise<void> {
    const snapshot = await this.#dicts[dict].snapshot()
    const content = new Map(snapshot)
    this.#agree(dict, content, model => model)
    expect(snapshot.version).toBeDefined()
    this.#snapshots.push([snapshot, this.#history[this.#earliest[dict] as number] as Model])
  }

  #watch(dict: 0 | 1, key: string | undefined): void {
    const model: Model = new Map(this.#dicts[dict].local)
    const stream = this.#dicts[dict].watch(key === undefined ? {} : { key })
    this.#watching.push({ model, key, stream, dict })
  }

  // The end.

  async #finish(): Promise<void> {
    for (const dict of [0, 1] as const) {
      if (this.#modes[dict].pushed) await fed(this.#dicts[dict], this.#now)
      await this.#dicts[dict].sync()
      expect(new Map(this.#dicts[dict].local)).toEqual(this.#now)
    }
    expect(this.#dicts[0].version).toBe(this.#dicts[1].version)
    for (const [snapshot, model] of this.#snapshots) {
      expect(new Map(snapshot)).toEqual(model)
      expect(snapshot.size).toBe(model.size)
      for (const key of KEYS) expect(snapshot.get(key)).toEqual(read(model, key))
    }
    await Promise.all(this.#dicts.map(dict => dict.close()))
    for (const watching of this.#watching) await this.#replay(watching)
  }

  /** A replay of a watcher's changes leads to the final state; each `previous` is the replay's value. */
  async #replay({ model, key, stream }: Watching): Promise<void> {
    const versions = new Set<unknown>()
    let latest: unknown
    for await (const change of stream) {
      if (key !== undefined) expect(change.key).toBe(key)
      expect(change.previous).toEqual(model.get(change.key))
      if (change.value === undefined) model.delete(change.key)
      else model.set(change.key, change.value)
      // In commit order: a watcher never returns to an earlier version.
      if (change.version !== latest) expect(versions.has(change.version)).toBe(false)
      versions.add(change.version)
      latest = change.version
    }
    if (key === undefined) expect(model).toEqual(this.#now)
    else expect(model.get(key)).toEqual(this.#now.get(key))
  }
}

/** The result of a transaction's step, and its effect, on a plain Map. */
function stepOnModel(model: Model, step: TxStep): unknown {
  switch (step.do) {
    case 'get':
      return read(model, step.key)
    case 'has':
      return model.has(step.key)
    case 'keys':
      return [...model.keys()].sort()
    case 'entries':
      return new Map(model)
    case 'size':
      return model.size
    case 'delete':
      return model.delete(step.key)
    case 'pop': {
      const value = model.has(step.key) ? model.get(step.key) : GONE
      model.delete(step.key)
      return value
    }
    case 'setDefault':
      if (!model.has(step.key)) model.set(step.key, step.value)
      return model.get(step.key)
    case 'set':
      return void model.set(step.key, step.value)
    case 'clear':
      return void model.clear()
    case 'update':
      for (const [key, value] of step.pairs) model.set(key, value)
      return undefined
  }
}

/** Performs the step on both, compares the results, and returns whether the transaction has to record it. */
function runStep(tx: Transaction<Record<string, unknown>>, model: Model, step: TxStep): boolean {
  const records = recordsOn(model, step)
  expect(stepOnTransaction(tx, step)).toEqual(stepOnModel(model, step))
  return records
}

function recordsOn(model: Model, step: TxStep): boolean {
  if (step.do === 'delete' || step.do === 'pop') return model.has(step.key)
  if (step.do === 'setDefault') return !model.has(step.key)
  return step.do === 'set' || step.do === 'clear' || (step.do === 'update' && step.pairs.length > 0)
}

function stepOnTransaction(tx: Transaction<Record<string, unknown>>, step: TxStep): unknown {
  switch (step.do) {
    case 'get':
      return tx.get(step.key)
    case 'has':
      return tx.has(step.key)
    case 'keys':
      return tx.keys().sort()
    case 'entries':
      return new Map(tx)
    case 'size':
      return tx.size()
    case 'delete':
      return tx.delete(step.key)
    case 'pop':
      return tx.pop(step.key, GONE)
    case 'setDefault':
      return tx.setDefault(step.key, step.value)
    case 'set':
      return tx.set(step.key, step.value)
    case 'clear':
      return tx.clear()
    case 'update':
      return tx.update(step.pairs)
  }
}

function read(model: Model, key: string): unknown {
  return model.has(key)
    ? model.get(key)
    : (DEFAULTS as Record<string, unknown>)[Object.hasOwn(DEFAULTS, key) ? key : '']
}

function orGone(error: unknown): unknown {
  expect(error).toBeInstanceOf(KeyError)
  return GONE
}

function orElseGone(value: unknown): unknown {
  return value === undefined ? GONE : value
}

function given(pairs: readonly (readonly [string, Value])[], as: 'map' | 'object' | 'pairs') {
  if (as === 'pairs') return pairs
  return as === 'map' ? new Map(pairs) : Object.fromEntries(pairs)
}

function sorted(values: readonly unknown[]): string[] {
  return values.map(value => JSON.stringify(value)).sort()
}

async function collect(dict: Dict): Promise<[string, unknown][]> {
  const entries: [string, unknown][] = []
  for await (const entry of dict) entries.push(entry)
  return entries
}

function same(left: unknown, right: unknown): boolean {
  try {
    expect(left).toEqual(right)
    return true
  } catch {
    return false
  }
}

/** Memory reaches the state by itself, without a check. */
async function fed(dict: Dict, state: Model): Promise<void> {
  await new Promise<void>(resolve => {
    const look = () => {
      if (!same(new Map(dict.local), state)) return
      dict.off('sync', look)
      resolve()
    }
    dict.on('sync', look)
    look()
  })
}
