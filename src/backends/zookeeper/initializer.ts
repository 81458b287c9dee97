import { StoreUnavailableError } from '../../errors/errors.js'
import { warn } from '../../warnings/warnings.js'
import { formatHead, newHead, salvageBound } from './head.js'
import type { Names } from './names.js'
import type { Session } from './session.js'
import { type Children, CODE, Refusal, type Step, type Znode } from './transport.js'

/** Someone else was faster, or what was to be removed is not empty. */
const OVERTAKEN: ReadonlySet<number> = new Set([CODE.BAD_VERSION, CODE.NODE_EXISTS, CODE.NO_NODE, CODE.NOT_EMPTY])

/** How many epochs are removed at once: there is one, unless some other program has made more. */
const MOST_EPOCHS = 100

/** Makes what a dictionary needs below its path, and begins a new history, on what is there. */
export class Initializer {
  readonly #session: Session
  readonly #names: Names
  /** Whether nothing may be created or written. */
  readOnly = false

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
  }

  /**
   * Begins a new history, unless someone else changes the version meanwhile. Nothing of the entries is touched. The znode
   * of the version is never at its own version 0: some clients take that for none.
   *
   * @param znode - what holds the version now; `isDamaged` - whether it cannot be read as one.
   */
  async found(znode: Znode | undefined, isDamaged = false): Promise<void> {
    if (this.readOnly) throw this.#notThere(znode)
    // Epochs that cannot be deleted, since some other program has put children below them.
    const kept = new Set<string>()
    for (;;) {
      const children = await this.#session.getChildren(this.#names.path)
      if (!children) return this.#createPath()
      const steps = this.#stepsOf(znode, children, kept)
      const refusal = await this.#unlessOvertaken(steps)
      const step = refusal?.code === CODE.NOT_EMPTY ? steps[refusal.step ?? -1] : undefined
      if (!step) return refusal || !isDamaged ? undefined : this.#report()
      kept.add(step.path)
    }
  }

  #stepsOf(znode: Znode | undefined, { names, stat }: Children, kept: ReadonlySet<string>): Step[] {
    const { version } = this.#names
    const there = new Set(names.map(name => this.#names.child(name)))
    const epochs = [...there].filter(path => this.#names.isEpoch(path) && !kept.has(path)).slice(0, MOST_EPOCHS)
    // Those that are there hold parts of earlier histories, which are told from this one's.
    const parts = this.#names.parts.filter(part => !there.has(part))
    const touched = epochs.length + parts.length + (znode ? 1 : 2)
    const next = newHead(znode ? salvageBound(znode.data) : 0, stat.cversion + touched)
    const data = formatHead(next)
    const made = [this.#names.epoch(next.epoch), ...parts]
    return [
      ...(znode ? [] : [{ type: 'create', path: version, data } as const]),
      { type: 'set', path: version, data, version: znode ? znode.stat.version : 0 },
      ...epochs.map(path => ({ type: 'delete', path, version: -1 }) as const),
      ...made.map(path => ({ type: 'create', path, data: Buffer.alloc(0) }) as const),
    ]
  }

  #report(): void {
    const { path, version } = this.#names
    const message =
      `The version of dictionary "${path}" (znode ${version}) could not be read, and was replaced. Everything is loaded; "watch" ` +
      'gets the difference of the two states. Find out what else writes to the store.'
    warn('DURABLEDICT_DAMAGED_RECORD', message, { source: path })
  }

  async #createPath(): Promise<void> {
    let path = ''
    for (const name of this.#names.path.slice(1).split('/')) {
      path += `/${name}`
      if ((await this.#session.exists(path)).value) continue
      const refusal = await this.#unlessOvertaken([{ type: 'create', path, data: Buffer.alloc(0) }])
      // The root is always there.
      if (refusal?.code === CODE.NO_NODE && path === `/${name}`) throw this.#noChroot(refusal)
    }
  }

  /** Gives the refusal where it was overtaken. */
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
    const what = znode ? `the znode ${version} cannot be read as its version` : 'it does not exist'
    const message = `Dictionary "${dictionary}" cannot be opened with readOnly: ${what}. Open it once without readOnly.`
    return new StoreUnavailableError(message, { dictionary })
  }

  #noChroot(cause: Refusal): StoreUnavailableError {
    const { path: dictionary } = this.#names
    return new StoreUnavailableError(
      `Dictionary "${dictionary}" cannot be created, since the path that the connection string ends with (chroot) does not ` +
        'exist: create it first, or leave it out.',
      { dictionary, cause },
    )
  }
}
