import type { StandardSchemaV1 } from '@standard-schema/spec'

/** How many issues a message lists, and how much of each, in characters. */
const MAX_ISSUES = 5
const MAX_LENGTH = 200

/** Describes the issues of a value that the caller wants to write, without the value itself, which some libraries quote. */
export function describeIssues(issues: readonly StandardSchemaV1.Issue[], value: unknown): string {
  const list = issues.slice(0, MAX_ISSUES).map(issue => describeIssue(issue, value))
  const more = issues.length - list.length
  return `${list.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

function describeIssue({ message, path = [] }: StandardSchemaV1.Issue, value: unknown): string {
  const members = path.map(part => (typeof part === 'object' ? part.key : part))
  const place = members.length === 0 ? '' : `${members.map(String).join('.')}: `
  return bounded(place + withoutValue(String(message), memberOf(value, members)))
}

function memberOf(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((one, member) => (Object(one) as Record<PropertyKey, unknown>)[member], value)
}

/** Removes text in any quotes, and other primitives as whole words. */
function withoutValue(message: string, value: unknown): string {
  if (typeof value === 'string') {
    const forms = [JSON.stringify(value), `'${value}'`, `"${value}"`, `\`${value}\``]
    const longEnough = value.length >= 8 ? [...forms, value] : forms
    return longEnough.reduce((text, form) => text.replaceAll(form, '…'), message)
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    return message.replaceAll(/-?\d[\w.+-]*/g, word => (word === String(value) || word === `${value}n` ? '…' : word))
  }
  if (typeof value !== 'object' || value === null) return message
  // arktype quotes the value in parentheses at the end.
  return message.replace(/\(was .*\)$/s, '(was …)')
}

function bounded(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line
}
