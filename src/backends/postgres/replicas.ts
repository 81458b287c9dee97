import type { Version } from '../../contract/backend.js'
import { pollAcknowledgements } from '../../contract/poll-acknowledgements.js'
import type { Presence, Registration, Registry } from '../../contract/presence.js'
import { UnsupportedError } from '../../errors/errors.js'
import { warn } from '../../warnings/warnings.js'
import { escapeText, unescapeText } from '../sql/escape.js'
import { Expiry } from '../sql/replicas/expiry.js'
import { holding } from '../sql/replicas/holding.js'
import { readRows, recordText } from '../sql/replicas/record.js'
import { Renewals, type Renewed, type RenewRows } from '../sql/replicas/renewals.js'
import type { SqlRow } from '../sql/sql-session.js'
import { toCount } from '../sql/stored-tokens.js'
import { newEpoch, newNonce, toVersion } from '../sql/version.js'
import type { Cells } from './clients/client.js'
import type { Execution } from './execution.js'
import { acknowledgementsOf } from './names.js'

/**
 * The registry of the replicas of one dictionary. A row is created under the lock of the head: so a commit either finds it, or the
 * replica's first check after it finds the commit. A renewal needs no lock, since the row is there before and after.
 */
export class PostgresReplicas {
  readonly #execution: Execution
  readonly #renewals: Renewals
  readonly #expiry = new Expiry()
  /** What the rows of this process say. */
  readonly #known = new Map<string, string>()
  #isMissing = false

  constructor(execution: Execution) {
    const { client, schemaName } = execution.options
    this.#execution = execution
    this.#renewals = Renewals.of(client.source, schemaName)
  }

  /** Whether the tables are those of an earlier release, and could not be completed. */
  get isMissing(): boolean {
    return this.#isMissing
  }

  async register(presence: Presence, ttl: number): Promise<Registration> {
    const said = `${ttl} ${recordText(presence)}`
    try {
      const renewed = this.#known.get(presence.id) === said ? await this.#renew(presence) : undefined
      if (renewed) return renewed
      const registration = await this.#create(presence, ttl)
      this.#known.set(presence.id, said)
      return registration
    } catch (error) {
      if (!(await this.#lacksTable())) throw error
      await this.#recordBound(presence.bound)
      return {}
    }
  }

  async leave(id: string): Promise<void> {
    this.#known.delete(id)
    if (!this.#isMissing) await this.#run(this.#execution.statements.leave, id)
  }

  /** Records the bound of a replica that never has a row. */
  async registerMaxStaleness(ms: number): Promise<void> {
    try {
      await this.#bound(ms)
    } catch (error) {
      if (!(await this.#lacksTable())) throw error
      await this.#recordBound(ms)
    }
  }

  /** @throws UnsupportedError without the table. */
  async read(): Promise<Registry> {
    const { statements, options } = this.#execution
    try {
      const [row] = await this.#run(statements.registry)
      return readRegistry(row?.[0])
    } catch (error) {
      if (!(await this.#lacksTable())) throw error
      throw new UnsupportedError(`replicas() of dictionary "${options.dictionary}": ${missing(options.schemaName)}`, {
        dictionary: options.dictionary,
      })
    }
  }

  async acknowledge(id: string, version: Version): Promise<void> {
    if (this.#isMissing) return
    const { stored } = await this.#execution.target()
    const channel = acknowledgementsOf(stored, this.#execution.options.schemaName)
    await this.#run(this.#execution.statements.acknowledge, id, String(version), channel)
  }

  /** @param woken - calls back when there may be new acknowledgements, and returns a function that ends this. */
  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
    woken: ((wake: () => void) => () => void) | undefined,
  ): Promise<void> {
    return pollAcknowledgements(ids, some => this.#holding(version, some), acknowledged, signal, woken)
  }

  async #holding(version: Version, ids: readonly string[]): Promise<string[]> {
    const { statements } = this.#execution
    const rows = await this.#rows(statements.versions, JSON.stringify(ids))
    return holding(version, ids, rows, numbers => this.#rows(statements.nonces, JSON.stringify(numbers)))
  }

  /** Returns nothing if the row is gone. */
  async #renew({ id, version }: Presence): Promise<Registration | undefined> {
    const { stored: dict } = await this.#execution.target()
    const renewal = { dict, id, version, expiry: this.#expiry }
    const { head, stale } = await this.#renewals.renew(this.#renewRows, renewal)
    if (stale) await this.#drop(stale).catch(() => {})
    if (!head) return undefined
    return { renewed: true, version: versionOf(head), bound: Number(head.bound) }
  }

  readonly #renewRows: RenewRows = async (some, due) => {
    const given = some.map(({ dict, id, version }) => ({ dict, id, version: textOf(version) }))
    const values = [JSON.stringify(given), newNonce(), JSON.stringify(due)]
    return (await this.#execution.query({ text: this.#execution.statements.renew, values })).map(toRow)
  }

  async #create(presence: Presence, ttl: number): Promise<Registration> {
    const { id, version, bound = 0 } = presence
    const { form } = await this.#execution.target()
    const record = escapeText(recordText(presence), form.unsafe)
    const values = [id, record, textOf(version), `${bound}`, `${Math.ceil(ttl)}`, newNonce(), ...this.#lock()]
    const [row] = await this.#rows(this.#execution.statements.register, ...values)
    const { h_epoch: epoch, h_number: number, h_nonce: nonce, h_bound: recorded, existed } = row ?? {}
    return { renewed: existed === true, version: versionOf({ epoch, number, nonce }), bound: Number(recorded) }
  }

  async #drop(stale: NonNullable<Renewed['stale']>): Promise<void> {
    const { expired, isTooMuchCovered } = this.#expiry.look(stale)
    if (expired.length > 0) await this.#run(this.#execution.statements.drop, JSON.stringify(expired))
    if (isTooMuchCovered || expired.length > 0) await this.#bound(null)
  }

  async #bound(ms: number | null): Promise<void> {
    await this.#run(this.#execution.statements.bound, ms === null ? null : `${ms}`, ...this.#lock())
  }

  /** What a function that locks the head needs. */
  #lock(): string[] {
    return [`${Math.max(1, Math.round(this.#execution.options.timeout))}`, newEpoch(), newNonce()]
  }

  /** As releases without a registry do. */
  async #recordBound(ms: number | undefined): Promise<void> {
    if (ms === undefined) return
    const { begin, raiseBound } = this.#execution.statements
    await this.#run(begin, newEpoch(), newNonce())
    await this.#run(raiseBound, `${ms}`)
  }

  /** Asked after a failure. Warns once. */
  async #lacksTable(): Promise<boolean> {
    if (this.#isMissing) return true
    const { options, statements } = this.#execution
    const [row] = await this.#execution.query({ text: statements.hasRegistry }).catch((): Cells[] => [])
    if (row?.[0] !== 'false') return false
    this.#isMissing = true
    warn(
      'DURABLEDICT_PRESENCE',
      `Dictionary "${options.dictionary}" cannot register: ${missing(options.schemaName)} Until then, replicas() is not supported, and ` +
        'writes with { everywhere: true } wait for the largest recorded maxStaleness.',
      { source: options.dictionary },
    )
    return true
  }

  async #rows(text: string, ...values: (string | null)[]): Promise<readonly SqlRow[]> {
    return (await this.#run(text, ...values)).map(toRow)
  }

  async #run(text: string, ...values: (string | null)[]): Promise<readonly Cells[]> {
    const { stored } = await this.#execution.target()
    return this.#execution.query({ text, values: [stored, ...values] })
  }
}

/** Reads what `durabledict_registry_1` returns. */
export function readRegistry(text: string | null | undefined): Registry {
  const rows = JSON.parse(text ?? '[]') as readonly SqlRow[]
  const unescaped = rows.map(row => ({
    ...row,
    record: typeof row.record === 'string' ? unescapeText(row.record) : row.record,
  }))
  return readRows(unescaped, 'durabledict_replicas')
}

function missing(schemaName: string): string {
  return (
    `The table durabledict_replicas is missing in the schema "${schemaName}": let an administrator run the statements of migration() ` +
    'from durabledict/postgres, then open the dictionary again.'
  )
}

function versionOf({ number, epoch, nonce }: SqlRow): string {
  return toVersion(toCount(number) ?? 0, String(epoch), String(nonce))
}

function textOf(version: Version | undefined): string | null {
  return version === undefined ? null : String(version)
}

function toRow([text]: Cells): SqlRow {
  return JSON.parse(text ?? '{}')
}
