import { type ItemSource, toItem } from './items.js'
import type { JsonSchemas } from './json-schemas.js'
import type { Operator } from './operator.js'
import type { Issue, KeyEntry } from './protocol.js'
import { tokenOf } from './tokens.js'

interface Sources {
  readonly operator: Operator
  readonly schemas: JsonSchemas
}

export async function keyEntry({ operator, schemas }: Sources, source: ItemSource): Promise<KeyEntry> {
  const { key, state, masked } = source
  const declared = operator.defaultOf(key)
  const base = {
    ...toItem(operator, source),
    token: tokenOf(state, key, masked),
    ...(declared && { hasDefault: true as const }),
  }
  if (masked) return base
  const standard = declared && operator.texts.of(declared.value)
  const schema = await schemas.of(operator.schemaOf(key))
  return {
    ...base,
    ...(standard !== undefined && { default: standard }),
    ...(schema && { schema }),
    ...storedText(operator, key, state.stored(key)),
  }
}

function storedText(operator: Operator, key: string, stored: unknown): Pick<KeyEntry, 'text' | 'fault' | 'issues'> {
  if (stored === undefined) return {}
  try {
    const text = operator.texts.of(operator.decode(key, stored))
    if (text === undefined) return { fault: 'The value is not data, so that it cannot be shown or edited as text.' }
    return { text, ...issuesOf(operator, key, stored) }
  } catch {
    return { fault: 'The stored value cannot be decoded. Save another one, or remove the key.' }
  }
}

function issuesOf(operator: Operator, key: string, stored: unknown): Pick<KeyEntry, 'issues'> {
  try {
    operator.checkStored(key, stored)
    return {}
  } catch (error) {
    return { issues: toIssues(error) }
  }
}

/** Returns the issues of an `InvalidValueError`; one without place for another error. */
export function toIssues(error: unknown): Issue[] {
  const { cause, message } = error as Error
  if (!Array.isArray(cause)) return [{ path: [], message }]
  return cause.map(({ message, path = [] }) => ({ path: path.map(toMember), message: String(message) }))
}

function toMember(part: unknown): string | number {
  const member = typeof part === 'object' && part !== null ? (part as { key?: unknown }).key : part
  return typeof member === 'number' ? member : String(member)
}
