import { pollAcknowledgements } from '../../contract/poll-acknowledgements.js'
import type { Presence, Registration, Registry as Replicas } from '../../contract/presence.js'
import { Sightings } from '../../contract/sightings.js'
import { now } from '../../time/clock.js'
import type { AcknowledgementHints } from './acknowledgement-hints.js'
import { isVersion } from './nonces.js'
import type { Reader } from './reader.js'
import { parseSeen, RegistryReader, recordOf } from './replica-records.js'
import { SCRIPTS, type Script } from './script.js'
import { countOf, listOf, textOf } from './shape.js'

/** For how long a record counts that does not say it, in ms. */
const UNKNOWN_TTL = 60_000

/** For how long acknowledgements are awaited without pauses while no hints arrive, in ms. */
const EAGER = 5

/** About how long the hints of all replicas are awaited before the registry is read, in ms. */
const HINTED = 20

/** The registry of replicas in Redis. scripts/registry.lua documents its keys. */
export class Registry {
  readonly #reader: Reader
  readonly #key: string
  readonly #hints: AcknowledgementHints
  readonly #records = new RegistryReader()
  readonly #suspects = new Sightings()
  /** Records that have expired: id and `<id>:at`, one after the other. The next renewal drops them. */
  #expired: readonly string[] = []
  #replicas: Script = SCRIPTS.replicas

  /** @param key - of the records. */
  constructor(reader: Reader, key: string, hints: AcknowledgementHints) {
    this.#reader = reader
    this.#key = key
    this.#hints = hints
  }

  /** Uses only the right to read from now on. */
  restrictToReads(): void {
    this.#replicas = SCRIPTS.peekReplicas
  }

  async register(presence: Presence, ttl: number): Promise<Registration> {
    const { id, version, bound } = presence
    const texts = [id, recordOf(presence), version, bound, ttl].map(value => String(value ?? ''))
    const expired = this.#expired
    const [renewed, head, largest, ...suspects] = listOf(
      await this.#reader.run(SCRIPTS.register, [...texts, ...expired]),
      3,
    )
    this.#expired = this.#expiredOf(suspects.map(textOf))
    const current = textOf(head)
    return {
      renewed: countOf(renewed) === 1,
      bound: Number(textOf(largest)),
      ...(isVersion(current) && { version: current }),
    }
  }

  async leave(id: string): Promise<void> {
    await this.#reader.run(SCRIPTS.leave, [id])
  }

  async replicas(): Promise<Replicas> {
    return this.read(await this.#reader.run(this.#replicas, []))
  }

  /** Reads the registry in an answer of the commit script. */
  read(reply: unknown): Replicas {
    return this.#records.read(reply)
  }

  async acknowledge(id: string, version: string): Promise<void> {
    await this.#reader.run(SCRIPTS.acknowledge, [id, version])
  }

  async awaitAcknowledgements(
    version: string,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    // Subscribed until the write has been acknowledged, so that the next one is.
    const ended = this.#hints.follow(() => {})
    try {
      await this.#hints.all(version, ids, HINTED, signal)
      const waiting = await this.#awaitFirst(version, ids, acknowledged, signal)
      const look = async (some: readonly string[]) =>
        listOf(await this.#reader.run(SCRIPTS.acknowledged, [version, ...some])).map(textOf)
      await pollAcknowledgements(waiting, look, acknowledged, signal, wake => this.#hints.follow(wake))
    } finally {
      ended()
    }
  }

  /**
   * Asks by a plain command, which costs the server little: once after the hints, else again and again for as long as live replicas
   * take. Returns those that have not acknowledged exactly this version.
   */
  async #awaitFirst(
    version: string,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const until = this.#hints.areOpen ? 0 : now() + EAGER
    let waiting = ids
    do {
      const held = listOf(await this.#reader.read(['hmget', this.#key, ...waiting.map(id => `${id}:version`)]))
      const isHeld = (index: number) => String(held[index]) === version
      for (const id of waiting.filter((_, index) => isHeld(index))) acknowledged(id)
      waiting = waiting.filter((_, index) => !isHeld(index))
    } while (waiting.length > 0 && now() < until && !signal.aborted)
    return waiting
  }

  #expiredOf(flat: readonly string[]): string[] {
    const records = flat.flatMap((id, index) => {
      const renewal = flat[index + 1] ?? ''
      return index % 2 === 0 ? [{ id, renewal, ttl: parseSeen(renewal)?.ttl ?? UNKNOWN_TTL }] : []
    })
    const expired = this.#suspects.expired(records)
    return records.filter(({ id }) => expired.has(id)).flatMap(({ id, renewal }) => [id, renewal])
  }
}
