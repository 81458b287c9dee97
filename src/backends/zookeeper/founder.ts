import { StoreUnavailableError } from '../../errors/errors.js'
import { formatHead, newHead, salvageBound } from './head.js'
import type { Names } from './names.js'
import type { Session } from './session.js'
import { CODE, Refusal, type Step, type Znode } from './transport.js'

/** Someone else was faster. */
const OVERTAKEN: ReadonlySet<number> = new Set([CODE.BAD_VERSION, CODE.NODE_EXISTS, CODE.NO_NODE])

/** Makes what a dictionary needs below its path, and begins a new history, on what is there. */
export class Founder {
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
   * @param znode - what holds the version now, whether it can be read as one or not.
   */
  async found(znode: Znode | undefined): Promise<void> {
    if (this.readOnly) throw this.#notThere(znode)
    const { path, version } = this.#names
    const children = await this.#session.getChildren(path)
    if (!children) return this.#createPath()
    const epochs = children.names.filter(name => this.#names.isEpoch(name))
    // Those that are there hold parts of earlier histories, which are told from this one's.
    const there = new Set(children.names.map(name => this.#names.child(name)))
    const parts = this.#names.parts.filter(part => !there.has(part))
    const touched = epochs.length + parts.length + (znode ? 1 : 2)
    const next = newHead(znode ? salvageBound(znode.data) : 0, children.stat.cversion + touched)
    const data = formatHead(next)
    const steps: Step[] = znode
      ? [{ type: 'set', path: version, data, version: znode.stat.version }]
      : [
          { type: 'create', path: version, data },
          { type: 'set', path: version, data, version: 0 },
        ]
    for (const name of epochs) steps.push({ type: 'delete', path: this.#names.child(name), version: -1 })
    for (const made of [this.#names.epoch(next.epoch), ...parts]) {
      steps.push({ type: 'create', path: made, data: Buffer.alloc(0) })
    }
    await this.#unlessOvertaken(steps)
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
