import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type {
  Batch,
  Committed,
  Listener,
  MemoryStore,
  Presence,
  Registration,
  Registry,
  Unsubscribe,
  Version,
} from '../../src/index.js'

type Kind = new (store: MemoryStore) => MemoryBackend

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** Acknowledges for its replica when a change arrives, before the replica has applied it. */
class AcknowledgesBeforeApplying extends MemoryBackend {
  #id: string | undefined

  override register(presence: Presence, ttl: number): Registration {
    this.#id = presence.id
    return super.register(presence, ttl)
  }

  override subscribe(listener: Listener<unknown>): Unsubscribe {
    const changed: Listener<unknown>['changed'] = change => {
      if (this.#id !== undefined && change) this.acknowledge(this.#id, change.version)
      setTimeout(() => listener.changed(change), 20)
    }
    return super.subscribe({ changed, interrupted: cause => listener.interrupted(cause) })
  }
}

/** The dictionary relies on memory without a record. */
class NeverRegisters extends MemoryBackend {
  override register(): Registration {
    return { version: this.lastUpdated() }
  }
}

/** Renewals are lost: the record expires while the replica relies on memory. */
class NeverRenews extends MemoryBackend {
  readonly #registered = new Set<string>()

  override register(presence: Presence, ttl: number): Registration {
    if (this.#registered.has(presence.id)) return { renewed: true }
    this.#registered.add(presence.id)
    return super.register(presence, ttl)
  }
}

/** Records expire after a tenth of their time. */
class ExpiresEarly extends MemoryBackend {
  override register(presence: Presence, ttl: number): Registration {
    return super.register(presence, ttl / 10)
  }
}

/** Takes a replica that says nothing for one that has acknowledged. */
class CountsTheDead extends MemoryBackend {
  override async awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const found = new Set<string>()
    const report = (id: string) => {
      if (!found.has(id)) acknowledged(id)
      found.add(id)
    }
    for (const id of ids) report(id)
    await super.awaitAcknowledgements(version, ids, report, signal)
  }
}

/** Reads the registry some time before it commits. */
class RegistryNotAtomic extends MemoryBackend {
  override commit(batch: Batch<unknown>, since: Version): Committed<unknown> {
    if (!batch.acknowledge) return super.commit(batch, since)
    const registry = this.replicas()
    const late = async () => {
      for (let n = 0; n < 3; n += 1) await turn()
      return { ...super.commit(batch, since), registry }
    }
    return late() as unknown as Committed<unknown>
  }
}

/** A version of another store counts as a later one. */
class AcceptsForeignVersions extends MemoryBackend {
  override acknowledge(id: string): void {
    super.acknowledge(id, this.lastUpdated())
  }

  override register(presence: Presence, ttl: number): Registration {
    const version = presence.version === undefined ? undefined : this.lastUpdated()
    return super.register({ ...presence, version }, ttl)
  }
}

class NeverLeaves extends MemoryBackend {
  override leave(): void {}
}

class BoundNeverShrinks extends MemoryBackend {
  override register(presence: Presence, ttl: number): Registration {
    if (presence.bound !== undefined) this.registerMaxStaleness(presence.bound)
    return super.register(presence, ttl)
  }
}

class UnregisteredForgotten extends MemoryBackend {
  override replicas(): Registry {
    return { ...super.replicas(), unregistered: 0 }
  }

  override commit(batch: Batch<unknown>, since: Version): Committed<unknown> {
    const committed = super.commit(batch, since)
    return committed.registry ? { ...committed, registry: { ...committed.registry, unregistered: 0 } } : committed
  }
}

/** Asks for no acknowledgement. */
class NeverAsks extends MemoryBackend {
  override commit(batch: Batch<unknown>, since: Version): Committed<unknown> {
    const committed = super.commit({ id: batch.id, groups: batch.groups }, since)
    return batch.acknowledge ? { ...committed, registry: this.replicas() } : committed
  }
}

/** Backends whose registry is broken in one way, with a test that must detect it. */
export const BROKEN_REGISTRIES: readonly (readonly [string, Kind, RegExp])[] = [
  [
    'a backend acknowledges before its replica applies',
    AcknowledgesBeforeApplying,
    /a live replica has applied a write with everywhere when it resolves/,
  ],
  ['a backend does not register', NeverRegisters, /replicas\(\) returns what each replica said at its latest renewal/],
  [
    'a dictionary relies without a record',
    NeverRegisters,
    /waits for a replica that says nothing until its bound has passed/,
  ],
  ['renewals are lost', NeverRenews, /replicas\(\) returns what each replica said at its latest renewal/],
  ['records expire early', ExpiresEarly, /a record expires some time after its TTL, and not before/],
  [
    'a dead replica counts as acknowledged',
    CountsTheDead,
    /holds an older or a foreign version, or none, is not reported/,
  ],
  [
    'a dictionary counts a dead replica',
    CountsTheDead,
    /waits for a replica that says nothing until its bound has passed/,
  ],
  ['the registry is not atomic with the version', RegistryNotAtomic, /names each replica that may have missed it/],
  [
    'foreign versions acknowledge',
    AcceptsForeignVersions,
    /holds an older or a foreign version, or none, is not reported/,
  ],
  ['a replica that left stays listed', NeverLeaves, /a replica that left is not listed/],
  ['a closed dictionary stays listed', NeverLeaves, /lists each open dictionary, and none that was closed/],
  ['the recorded bound never shrinks', BoundNeverShrinks, /counts as recorded until no record needs it/],
  [
    'bounds outside the registry are forgotten',
    UnregisteredForgotten,
    /the bound of a replica that is not in the registry/,
  ],
  ['a dictionary forgets them', UnregisteredForgotten, /waits for the bound of a replica outside the registry/],
  ['no change asks for acknowledgements', NeverAsks, /the change log says which changes ask/],
]
