import type { Batch, Change, Committed, Outcome, Version } from '../../contract/backend.js'
import type { HistoryPolicy } from '../../contract/history.js'
import { InTurn } from '../../queues/in-turn.js'
import { now } from '../../time/clock.js'
import { orAborted } from '../../time/or-aborted.js'
import { pause } from '../../time/pause.js'
import { ambiguous, notWritten } from './faults.js'
import { GiveWay } from './give-way.js'
import { formatHead, type Head, partId, versionOf } from './head.js'
import { continueHistory, forgetInLog, type Rewrite, recordPolicy } from './head-rewrites.js'
import type { History } from './history.js'
import type { Mirror, Position } from './mirror.js'
import type { Names } from './names.js'
import type { Outside } from './outside.js'
import { makePlan, type Plan } from './plan.js'
import type { Reader } from './reader.js'
import { isLoss, type Session, type Watched } from './session.js'
import type { Stored } from './stored.js'
import { CODE, Refusal, type Stat, type Step } from './transport.js'

/** The number of lost races after which a writer pauses, and the pause, which grows with each attempt, in ms. */
const PATIENT_FROM = 3
const PAUSE = 4

/** How often a write is tried whose part of the history or of the registry meets other znodes than expected. */
const SIDE_ATTEMPTS = 20

const OVERTAKEN: ReadonlySet<number> = new Set([CODE.BAD_VERSION, CODE.NODE_EXISTS, CODE.NO_NODE])

/** For work without a time limit of its own. */
const UNLIMITED = new AbortController().signal

/** A plan whose answer was lost. */
interface Lost {
  readonly plan: Plan
  readonly base: Position
  readonly change: Change<Stored>
  readonly cause: unknown
}

/** Commits batches one by one. Each transaction is conditional on the version from which it was planned. */
export class Writer {
  readonly #session: Session
  readonly #reader: Reader
  readonly #names: Names
  readonly #history: History
  readonly #turns = new InTurn()
  readonly #giveWay: GiveWay

  /**
   * @param timeout - the time limit of a write, in ms.
   */
  constructor(session: Session, reader: Reader, names: Names, history: History, timeout: number) {
    this.#session = session
    this.#reader = reader
    this.#names = names
    this.#history = history
    this.#giveWay = new GiveWay(timeout)
  }

  commit(batch: Batch<Stored>, since: Version, signal: AbortSignal): Promise<Committed<Stored>> {
    return this.#inTurn(() => this.#commit(batch, since, signal), signal)
  }

  /** Notes that the watch has reported a write. */
  reported(): void {
    this.#giveWay.reported()
  }

  /** Writes the head without a change of the dictionary. */
  rewrite(rewrite: Rewrite): Promise<void> {
    return this.#inTurn(() => this.#rewriteHead(rewrite), UNLIMITED)
  }

  /** Records how much history every writer keeps, and drops the rest. */
  async setHistoryPolicy(policy: HistoryPolicy): Promise<void> {
    await this.rewrite(recordPolicy(this.#history, policy))
    await this.#history.apply(policy)
  }

  /** Removes an author from all commits, and from the log. Returns the number of commits. */
  async forgetAuthor(author: string): Promise<number> {
    const count = await this.#history.forget(author)
    await this.rewrite(forgetInLog(this.#session, this.#names, author))
    return count
  }

  /** Makes what external writers did a commit like any other, unless another process has made one before. */
  recordOutside(): Promise<void> {
    const record = async () => {
      await this.#recordFirst(await this.#reader.current('sequential'), undefined, UNLIMITED)
    }
    return this.#inTurn(record, UNLIMITED)
  }

  async #recordOutside(outside: Outside, signal: AbortSignal): Promise<void> {
    const { version, operations } = outside
    if (operations.length === 0) return this.#rewriteHead(continueHistory(outside))
    const conditions = [{ type: 'version', version }] as const
    const groups = [{ conditions, operations, attribution: { via: 'outside' } as const }]
    await this.#commitPart({ id: crypto.randomUUID(), groups }, 0, signal)
  }

  /** Writes the head without a change of the dictionary, until that succeeds or nothing is to be written. */
  async #rewriteHead(rewrite: Rewrite): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const mirror = await this.#reader.current('linearizable')
      if (await this.#recordFirst(mirror, undefined, UNLIMITED)) continue
      const { head, znode } = mirror.position
      let steps: readonly Step[] = []
      try {
        const next = await rewrite(head)
        if (!next) return
        const move: Step = { type: 'set', path: this.#names.version, data: formatHead(next.head), version: znode }
        steps = [move, this.#epochCheck(head), ...next.steps]
        await this.#send({ steps, head: next.head }, mirror.version, undefined)
        return
      } catch (fault) {
        if (!isLoss(fault) && !(await this.#overcome(fault, attempt, UNLIMITED, { steps }))) throw fault
      }
    }
  }

  /** Runs work one by one. Work that is aborted before its turn fails at once. */
  #inTurn<V>(work: () => Promise<V>, signal: AbortSignal): Promise<V> {
    let begun = false
    const begin = () => {
      begun = true
      return work()
    }
    return this.#turns.run(begin, signal).catch(fault => {
      throw begun ? fault : notWritten(fault, this.#names.path)
    })
  }

  async #commit(batch: Batch<Stored>, since: Version, signal: AbortSignal): Promise<Committed<Stored>> {
    const outcomes: Outcome[] = []
    for (let part = 0; outcomes.length < batch.groups.length; part += 1) {
      try {
        const rest = outcomes.length === 0 ? batch.groups : batch.groups.slice(outcomes.length)
        const some = { ...batch, groups: rest }
        outcomes.push(...(await this.#commitPart(some, part, signal)))
      } catch (error) {
        // The groups before these have their outcomes.
        if (part === 0) throw error
        while (outcomes.length < batch.groups.length) outcomes.push({ status: 'refused', error })
      }
    }
    const mirror = await this.#reader.mirror()
    const { asOf: _, ...catchUp } = mirror.since(since)
    return { outcomes, catchUp, bound: mirror.position.head.bound }
  }

  /**
   * Commits as many groups as fit into one transaction. Retries, each time based on the current state, until the
   * outcome is known.
   */
  async #commitPart(batch: Batch<Stored>, part: number, signal: AbortSignal): Promise<readonly Outcome[]> {
    const some = { ...batch, id: partId(batch.id, part) }
    let lost: Lost | undefined
    for (let attempt = 0; ; attempt += 1) {
      const mirror = await this.#mirrorNow(lost, signal)
      if (this.#history.isUnrecordedAt(mirror) && (await this.#recordFirst(mirror, lost, signal))) continue
      if (lost && mirror.position.zxid !== lost.base.zxid) {
        if (await this.#tookEffect(lost, mirror, signal)) return lost.plan.outcomes
        lost = undefined
      }
      if (attempt === 0 && (await this.#giveWay.before(mirror.version, signal))) continue
      let plan = lost?.plan
      let change = lost?.change
      try {
        plan ??= await this.#plan(some, mirror, signal)
        change ??= changeOf(plan, mirror, batch)
        const sentAt = now()
        await orAborted(this.#send(plan, mirror.version, change), signal)
        if (change) this.#giveWay.after(mirror.version, sentAt)
        if (plan.recorded && plan.head.history) this.#history.committed(plan.recorded, plan.head.history)
        return plan.outcomes
      } catch (fault) {
        const isOpen = isLoss(fault) || signal.aborted
        if (plan && change && isOpen) lost = { plan, base: mirror.position, change, cause: lost?.cause ?? fault }
        if (signal.aborted) throw this.#failed(lost, fault)
        if (!isLoss(fault) && !(await this.#overcome(fault, attempt, signal, plan))) throw this.#failed(lost, fault)
      }
    }
  }

  /** Records what external writers did, if that is still to be done. Returns whether there was anything. */
  async #recordFirst(mirror: Mirror, lost: Lost | undefined, signal: AbortSignal): Promise<boolean> {
    if (!this.#history.isUnrecordedAt(mirror)) return false
    const { version } = mirror
    try {
      const outside = await orAborted(this.#history.unrecordedAt(mirror), signal)
      if (mirror.version !== version) return true
      this.#history.expect(version, outside)
      if (outside) await this.#recordOutside(outside, signal)
      return outside !== undefined
    } catch (fault) {
      throw this.#failed(lost, fault)
    }
  }

  async #plan(batch: Batch<Stored>, mirror: Mirror, signal: AbortSignal): Promise<Plan> {
    const starting = this.#history.start(mirror.position.head)
    const start = starting instanceof Promise ? await orAborted(starting, signal) : starting
    return makePlan(batch, mirror, this.#names, this.#session.added, start)
  }

  /**
   * Returns the mirror for the next attempt, with the session connected. If it is not available, the write has
   * failed, or its outcome is unknown. The mirror need not be confirmed: the write is conditional on it.
   */
  async #mirrorNow(lost: Lost | undefined, signal: AbortSignal): Promise<Mirror> {
    try {
      for (;;) {
        signal.throwIfAborted()
        const waiting = this.#session.ready()
        if (waiting) await orAborted(waiting, signal)
        const mirror = lost ? await orAborted(this.#reader.current('sequential'), signal) : await this.#latest(signal)
        if (this.#session.connected) return mirror
      }
    } catch (fault) {
      throw this.#failed(lost, fault)
    }
  }

  async #latest(signal: AbortSignal): Promise<Mirror> {
    const latest = this.#reader.latest()
    return latest instanceof Promise ? orAborted(latest, signal) : latest
  }

  /**
   * Returns whether a write whose answer was lost is in the history. If it is not, it can never be: its precondition
   * no longer holds.
   *
   * @throws AmbiguousWriteError if the history does not reach back, or cannot be read.
   */
  async #tookEffect({ change, cause }: Lost, mirror: Mirror, signal: AbortSignal): Promise<boolean> {
    // Another process has recorded a bound or a policy.
    if (mirror.version === change.previous) return false
    const past = await orAborted(this.#reader.past(change.previous, mirror), signal).catch(() => undefined)
    if (!past || !('changes' in past)) throw ambiguous(cause, this.#names.path)
    return past.changes[0]?.version === change.version
  }

  /** Sends a plan, and ensures that later changes are reported: this very write fires the watch. */
  async #send(
    { steps, head }: Pick<Plan, 'steps' | 'head'>,
    base: string,
    change: Change<Stored> | undefined,
  ): Promise<void> {
    const { mark } = this.#session
    const answer = this.#session.multi(steps)
    if (steps[0]?.type !== 'set') return void (await answer)
    const watching = this.#session.watchesLast ? alone(answer, mark) : this.#session.exists(this.#names.version, true)
    watching.catch(() => {})
    const applied = answer.then(({ value: [stat] }) =>
      this.#reader.apply(base, change, { head, ...positionOf(stat as Stat) }),
    )
    this.#reader.rearm(applied.then(() => watching))
    await applied
  }

  /** Returns whether to try again: another process was faster, or external writers have changed the znodes. */
  async #overcome(fault: unknown, attempt: number, signal: AbortSignal, plan?: Pick<Plan, 'steps'>): Promise<boolean> {
    if (!(fault instanceof Refusal)) return false
    const path = plan?.steps[fault.step ?? -1]?.path ?? ''
    if (OVERTAKEN.has(fault.code) && (this.#names.isHistory(path) || this.#names.isRegistry(path))) {
      if (this.#names.isHistory(path)) this.#history.distrust()
      return attempt < SIDE_ATTEMPTS
    }
    const isOfHead = fault.step !== undefined && fault.step < 2
    if (fault.code === CODE.BAD_VERSION || (fault.code === CODE.NO_NODE && isOfHead)) {
      if (attempt >= PATIENT_FROM) await pause(PAUSE * Math.min(attempt, 16), signal)
      await orAborted(this.#reader.refresh(true), signal).catch(() => {})
      return true
    }
    if (fault.code !== CODE.NODE_EXISTS && fault.code !== CODE.NO_NODE) return false
    // Without the right to start a new history, a retry cannot succeed.
    try {
      await orAborted(this.#reader.cut(), signal)
      return true
    } catch (cause) {
      return !(cause instanceof Refusal) || isLoss(cause)
    }
  }

  #failed(lost: Lost | undefined, fault: unknown): Error {
    return lost ? ambiguous(lost.cause, this.#names.path) : notWritten(fault, this.#names.path)
  }

  #epochCheck({ epoch }: Head): Step {
    return { type: 'check', path: this.#names.epoch(epoch), version: -1 }
  }
}

/**
 * Returns the state of the head after a write, if the watch has reported that write and nothing else since it was
 * sent. The server reports a change before it answers the client that made it, and the write is conditional on no
 * other change before it.
 */
async function alone(
  answer: Promise<Watched<readonly (Stat | undefined)[]>>,
  before: number,
): Promise<Watched<Stat | undefined>> {
  const { value, mark } = await answer
  return { value: mark === before + 1 ? value[0] : undefined, mark }
}

function changeOf(
  { effects, head, notes, steps: [first] }: Plan,
  mirror: Mirror,
  { id, acknowledge }: Batch<Stored>,
): Change<Stored> | undefined {
  if (first?.type !== 'set') return undefined
  const asks = acknowledge === true && { acknowledge }
  return { previous: mirror.version, version: versionOf(head), effects, id, ...(notes && { notes }), ...asks }
}

function positionOf({ version, mzxid }: Stat): Omit<Position, 'head'> {
  return { znode: version, zxid: mzxid }
}
