import type { FrozenState } from '../replica/frozen-state.js'
import type { Access } from './access.js'
import { keyEntry } from './entry.js'
import { historyPage, wholeChange } from './history-page.js'
import { toItem } from './items.js'
import type { JsonSchemas } from './json-schemas.js'
import { forcible } from './not-reverted.js'
import type { Operator, Terms } from './operator.js'
import type { HistoryAnswer, Item, ItemList, KeyEntry } from './protocol.js'
import type { RecentChanges } from './recent.js'
import { forbidden, Refusal } from './refusal.js'
import { parseToken } from './tokens.js'

/** What all requests of a console share. */
export interface Office {
  readonly operator: Operator
  readonly isMasked: (key: string) => boolean
  readonly schemas: JsonSchemas
  readonly recent: RecentChanges
}

/** A change of one key, as a browser asks for it. */
export interface KeyChangeRequest {
  readonly key: string
  /** What the page showed. */
  readonly token: string
  readonly terms: Terms
}

/**
 * The dictionary as the user of one request may see and change it. All that answers contain, and all changes, pass through here: it
 * applies the rights of each key, and removes the values of masked ones.
 */
export class Desk {
  readonly access: Access
  readonly #office: Office

  constructor(office: Office, access: Access) {
    this.#office = office
    this.access = access
  }

  /** The keys that are stored or declared, as far as the user may see them. */
  async items(): Promise<ItemList> {
    const { operator, recent } = this.#office
    const { state, reachable } = await operator.state()
    const changed = await recent.latest()
    const keys = await this.access.readable([...new Set([...state.keys(), ...operator.declared])].sort())
    const items = await Promise.all(keys.map(key => this.#item(key, state, changed.get(key))))
    return { items, reachable, staleness: Math.round(operator.staleness) }
  }

  /** The same for keys that have changed, from memory. */
  async changed(keys: readonly string[]): Promise<Item[]> {
    const visible = await this.access.readable(keys)
    if (visible.length === 0) return []
    const changed = await this.#office.recent.latest()
    const state = this.#office.operator.present()
    return Promise.all(visible.map(key => this.#item(key, state, changed.get(key))))
  }

  /** @throws Refusal */
  async entry(key: string): Promise<KeyEntry & { reachable: boolean }> {
    await this.#check('read', key)
    const { state, reachable } = await this.#office.operator.state()
    return { ...(await this.#entry(key, state)), reachable }
  }

  /** @throws Refusal if the value is not the one that was shown, with the current one. */
  async save(text: string, { key, token, terms }: KeyChangeRequest): Promise<KeyEntry> {
    await this.#check('write', key)
    const { operator } = this.#office
    const stored = operator.encode(key, parse(operator, text))
    return this.#write({ type: 'set', key, stored }, token, terms)
  }

  /** @throws Refusal if the value is not the one that was shown, with the current one. */
  async unset({ key, token, terms }: KeyChangeRequest): Promise<KeyEntry> {
    await this.#check('write', key)
    return this.#write({ type: 'delete', key }, token, terms)
  }

  async history(key: string | undefined, before: string | undefined, limit: number): Promise<HistoryAnswer> {
    if (key !== undefined) await this.#check('read', key)
    const { operator, isMasked } = this.#office
    return historyPage({ operator, isMasked, access: this.access }, { key, before, limit })
  }

  /** One change of the history with its whole values. @throws Refusal */
  async change(id: string, key: string): Promise<object> {
    await this.#check('read', key)
    if (this.#office.isMasked(key)) throw forbidden('The value of this key is masked.')
    return wholeChange(this.#office.operator, id, key)
  }

  /** @throws Refusal unless the user may change all keys of the commit. */
  async revert(id: string, force: boolean, terms: Terms): Promise<void> {
    const { operator } = this.#office
    const commit = await operator.commit(id)
    // Whether the commit exists must not depend on rights: a user who may not see its keys gets the same answer.
    if (!commit) throw noCommit()
    for (const { key } of commit.changes) if (!(await this.access.can('read', key))) throw noCommit()
    for (const { key } of commit.changes) await this.access.require('write', key)
    await operator.revert(id, force, terms).catch(error => {
      throw forcible(error, this.#office.isMasked) ?? error
    })
  }

  async replicas(): Promise<object> {
    this.access.requireReplicas()
    return { replicas: await this.#office.operator.replicas() }
  }

  async #check(action: 'read' | 'write', key: string): Promise<void> {
    await this.access.require(action, key)
    this.#office.operator.checkKey(key)
  }

  async #write(operation: Parameters<Operator['writeIf']>[1], token: string, terms: Terms): Promise<KeyEntry> {
    const shown = parseToken(token, this.#office.isMasked(operation.key))
    if (!shown) throw new Refusal(400, 'BAD_REQUEST', '"token" is not one that the console gave out.')
    const { operator } = this.#office
    const done = await operator.writeIf(shown, operation, terms)
    const entry = await this.#entry(operation.key, operator.present())
    if (done) return entry
    throw new Refusal(409, 'CONFLICT', 'Someone else changed this key meanwhile. Nothing was written.', {
      current: entry,
    })
  }

  async #entry(key: string, state: FrozenState): Promise<KeyEntry> {
    const { operator, schemas, isMasked } = this.#office
    const changed = (await this.#office.recent.latest()).get(key)
    const writable = await this.access.can('write', key)
    return keyEntry({ operator, schemas }, { key, state, changed, writable, masked: isMasked(key) })
  }

  async #item(key: string, state: FrozenState, changed: Item['changed']): Promise<Item> {
    const { operator, isMasked } = this.#office
    return toItem(operator, {
      key,
      state,
      changed,
      writable: await this.access.can('write', key),
      masked: isMasked(key),
    })
  }
}

function noCommit(): Refusal {
  return new Refusal(
    404,
    'NO_COMMIT',
    'There is no such commit in the history: it was dropped, or you may not see its keys.',
  )
}

/** The message of the encoding says how values are written, and never quotes the text. */
function parse({ texts }: Operator, text: string): unknown {
  try {
    return texts.parse(text)
  } catch (error) {
    throw new Refusal(422, 'NOT_JSON', `The value is not valid: ${(error as Error).message}.`)
  }
}
