import type { CatchUp, Version } from '../contract/backend.js'
import type { Registered } from '../contract/presence.js'
import { UnsupportedError } from '../errors/errors.js'
import type { ReplicaIdentity } from '../errors/replica-identity.js'
import { warn } from '../warnings/warnings.js'
import type { Internals } from './assembly.js'
import type { Gate } from './gate.js'

/** How many renewals a replica may miss before it counts as silent. */
const MISSED = 2

/** How many versions are compared with the current one. Replicas that hold others are behind, by an unknown number of changes. */
const COMPARED = 32

/** How much of a record's description a warning repeats, in characters. */
const MAX_DAMAGE = 300

/** One open dictionary, as it was at its latest renewal: at most ten seconds ago, unless it is silent. */
export interface ReplicaStatus extends ReplicaIdentity {
  /** The version of the library. */
  readonly library: string
  /** The bound within which it reads memory without a check, in ms. */
  readonly maxStaleness?: number | undefined
  readonly live: boolean
  /** The version of the state in its memory. */
  readonly version?: Version | undefined
  readonly lastSeen: Date
  /** `'silent'`: it missed two renewals. Its process is stopped, cut off or dead. */
  readonly state: 'current' | 'behind' | 'silent'
  /** By how many changes it is behind, if the change log reaches back to its version. */
  readonly behind?: number | undefined
}

/** Lists the replicas of a dictionary. */
export class FleetReader {
  readonly #internals: Internals
  readonly #gate: Gate

  constructor(internals: Internals, gate: Gate) {
    this.#internals = internals
    this.#gate = gate
  }

  async replicas(): Promise<ReplicaStatus[]> {
    this.#gate.assertOpen()
    const { name, fleet, store } = this.#internals
    if (!store.supports.presence) throw noRegistry(name)
    const { replicas, damage } = await fleet.replicas()
    if (damage !== undefined) warnOfDamage(name, damage)
    const behind = await this.#distances(new Set(replicas.flatMap(({ version }) => version ?? [])))
    const silentFrom = this.#internals.settings.presence.renewEvery * MISSED
    return replicas.map(one => toStatus(one, silentFrom, behind))
  }

  /** By how many changes each version is behind the current state. */
  async #distances(versions: ReadonlySet<Version>): Promise<Map<Version, number | undefined>> {
    const compared = [...versions].slice(0, COMPARED)
    const answers = compared.map(
      async (version): Promise<[Version, number | undefined]> => [
        version,
        distance(await this.#internals.fleet.changesSince(version)),
      ],
    )
    return new Map(await Promise.all(answers))
  }
}

function distance(answer: CatchUp<unknown>): number | undefined {
  return answer.type === 'changes' ? answer.changes.length : undefined
}

function toStatus(
  { bound, seenAgo, ...said }: Registered,
  silentFrom: number,
  distances: ReadonlyMap<Version, number | undefined>,
): ReplicaStatus {
  const behind = said.version === undefined ? undefined : distances.get(said.version)
  const state = seenAgo > silentFrom ? 'silent' : behind === 0 ? 'current' : 'behind'
  return {
    ...said,
    ...(bound !== undefined && { maxStaleness: bound }),
    // A damaged record may say any time.
    lastSeen: new Date(Math.max(Date.now() - Math.max(seenAgo, 0), 0)),
    state,
    ...(behind !== undefined && behind > 0 && { behind }),
  }
}

function warnOfDamage(dictionary: string, damage: string): void {
  warn(
    'DURABLEDICT_DAMAGED_RECORD',
    `A record in the store of dictionary "${dictionary}" cannot be read (${damage.slice(0, MAX_DAMAGE)}). replicas() leaves it out, and ` +
      'writes { everywhere: true } wait for the recorded bound. Find out what else writes to the store.',
    { source: `${dictionary} registry` },
  )
}

function noRegistry(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `replicas() needs a backend with register() and the other methods of "presence"; the backend of dictionary "${dictionary}" has none.`,
    { dictionary },
  )
}
