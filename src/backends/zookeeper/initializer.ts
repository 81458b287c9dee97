import { StoreUnavailableError } from '../../errors/errors.js'
import { warn } from '../../warnings/warnings.js'
import { formatHead, newHead, parseHead, salvageBound, versionOf } from './head.js'
import { endOf } from './history-end.js'
import { formatState, newState } from './history-state.js'
import { HistoryZnodes } from './history-znodes.js'
import type { Interruption } from './interruption.js'
import type { Names } from './names.js'
import { formatRegistryState } from './registry-record.js'
import type { Session } from './session.js'
import { type Children, CODE, Refusal, type Step, type Znode } from './transport.js'

/** Another process was faster, or a znode to be removed has children. */
const OVERTAKEN: ReadonlySet<number> = new Set([CODE.BAD_VERSION, CODE.NODE_EXISTS, CODE.NO_NODE, CODE.NOT_EMPTY])

/** The registry of a new dictionary. */
const NOBODY = { covered: 0, unregistered: 0 }

/** The most epochs to remove at once. There is only one, unless another program has created more. */
const MOST_EPOCHS = 100

/** Creates the znodes that a dictionary needs below its path, and starts a new history with the existing entries. */
export class Initializer {
  readonly #session: Session
  readonly #names: Names
  readonly #history: HistoryZnodes
  /** Whether nothing may be created or written. */
  readOnly = false

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
    this.#history = new HistoryZnodes(session, names)
  }

  /**
   * Starts a new history, unless another process changes the version in the meantime. Does not touch the entries. The
   * version znode never has version 0, which some clients treat as missing.
   *
   * @param znode - the znode that stores the version now.
   * @param isDamaged - whether its content is malformed.
   */
  async startHistory(znode: Znode | undefined, isDamaged = false): Promise<void> {
    if (this.readOnly) throw this.#notThere(znode)
    // Epochs that cannot be deleted, because another program has created children below them.
    const undeletable = new Set<string>()
    for (;;) {
      const children = await this.#session.getChildren(this.#names.path)
      if (!children) return await this.#createPath()
      const interruption = await this.#interruptionOf(znode, children)
      const steps = this.#stepsOf(znode, children, interruption, undeletable)
      const refusal = await this.#unlessOvertaken(steps)
      const step = refusal?.code === CODE.NOT_EMPTY ? steps[refusal.step ?? -1] : undefined
      if (!step && !refusal && isDamaged) this.#report()
      if (!step) return
      undeletable.add(step.path)
    }
  }

  #stepsOf(
    znode: Znode | undefined,
    { names, stat }: Children,
    interruption: Interruption | undefined,
    undeletable: ReadonlySet<string>,
  ): readonly Step[] {
    const { version } = this.#names
    const existing = new Set(names.map(name => this.#names.child(name)))
    const epochs = [...existing]
      .filter(path => this.#names.isEpoch(path) && !undeletable.has(path))
      .slice(0, MOST_EPOCHS)
    // Existing ones contain parts of earlier histories, which are distinguished by their epoch.
    const parts = this.#names.parts.filter(part => !existing.has(part))
    const history = znode || existing.has(this.#names.history) ? undefined : newState(this.#hasKeys(names) ? 1 : 0)
    const registry = znode || existing.has(this.#names.registry) ? [] : [this.#names.registry]
    const touched = epochs.length + parts.length + (znode ? 1 : 2) + (history ? 1 : 0) + registry.length
    const bare = newHead(znode ? salvageBound(znode.data) : 0, stat.cversion + touched)
    const next = history
      ? { ...bare, history: { epoch: history.epoch, position: history.floor } }
      : { ...bare, interruption }
    const data = formatHead(next)
    const created = [this.#names.epoch(next.epoch), ...parts]
    return [
      ...(znode ? [] : [{ type: 'create', path: version, data } as const]),
      { type: 'set', path: version, data, version: znode ? znode.stat.version : 0 },
      ...epochs.map(path => ({ type: 'delete', path, version: -1 }) as const),
      ...created.map(path => ({ type: 'create', path, data: Buffer.alloc(0) }) as const),
      ...registry.map(path => ({ type: 'create', path, data: formatRegistryState(NOBODY) }) as const),
      ...(history ? [{ type: 'create', path: this.#names.history, data: formatState(history) } as const] : []),
    ]
  }

  /** Where the history of commits ends: at this version, or at an earlier one. If the version is malformed, the commits say it. */
  async #interruptionOf(znode: Znode | undefined, { names }: Children): Promise<Interruption | undefined> {
    const head = znode && parseHead(znode.data, this.#names.path)
    if (znode && head?.history) return { version: versionOf(head), zxid: znode.stat.mzxid, mark: head.history }
    if (head) return head.interruption
    return names.some(name => this.#names.isHistory(this.#names.child(name))) ? endOf(this.#history) : undefined
  }

  /** Whether there are entries already, whose history is not known. */
  #hasKeys(children: readonly string[]): boolean {
    return children.some(name => !this.#names.isReserved(name))
  }

  #report(): void {
    const { path, version } = this.#names
    const message =
      `The version of dictionary "${path}" (znode ${version}) was malformed and was replaced. Everything is loaded; "watch" ` +
      'gets the difference of the two states. Find out what else writes to the store.'
    warn('DURABLEDICT_DAMAGED_RECORD', message, { source: path })
  }

  async #createPath(): Promise<void> {
    let path = ''
    for (const name of this.#names.path.slice(1).split('/')) {
      path += `/${name}`
      if ((await this.#session.exists(path)).value) continue
      const refusal = await this.#unlessOvertaken([{ type: 'create', path, data: Buffer.alloc(0) }])
      // The root always exists.
      if (refusal?.code === CODE.NO_NODE && path === `/${name}`) throw this.#noChroot(refusal)
    }
  }

  /** Returns the refusal if another process was faster. */
  async #unlessOvertaken(steps: readonly Step[]): Promise<Refusal | undefined> {
    try {
      await this.#session.multi(steps)
      return undefined
    } catch (fault) {
      if (fault instanceof Refusal && OVERTAKEN.has(fault.code)) return fault
      throw fault
    }
  }

  #notThere(znode: Znode | undefined): StoreUnavailableError {
    const { path: dictionary, version } = this.#names
    const what = znode ? `the znode ${version} does not contain a valid version` : 'it does not exist'
    const message = `Dictionary "${dictionary}" cannot be opened with readOnly: ${what}. Open it once without readOnly.`
    return new StoreUnavailableError(message, { dictionary })
  }

  #noChroot(cause: Refusal): StoreUnavailableError {
    const { path: dictionary } = this.#names
    return new StoreUnavailableError(
      `Dictionary "${dictionary}" cannot be created because the path at the end of the connection string (chroot) does not ` +
        'exist: create it first, or omit it.',
      { dictionary, cause },
    )
  }
}
