import type { Written } from './change-record.js'
import { isVersion } from './nonces.js'
import { countOf, isZero, listOf, textOf, unexpected, wordOf } from './shape.js'

/** A reply of the pull script. */
export type PullReply =
  | { readonly type: 'nothing' }
  | { readonly type: 'changes'; readonly head: string; readonly changes: readonly string[]; readonly size: number }
  | {
      readonly type: 'state'
      readonly head: string
      readonly diverged: number
      readonly seal: string
      readonly entries: readonly unknown[]
    }
  | {
      readonly type: 'old'
      readonly head: string
      readonly diverged: number
      readonly seal: string
      readonly size: number
    }

const NOTHING = { type: 'nothing' } as const

/**
 * @param sized - whether a reply with changes ends with the number of entries.
 * @throws StoreUnavailableError if the script cannot have sent the reply.
 */
export function parsePull(reply: unknown, sized: boolean): PullReply {
  if (!Array.isArray(reply)) {
    if (isZero(reply)) return NOTHING
    throw unexpected(reply, 'an answer of the script "pull"')
  }
  const list = listOf(reply, 2)
  const head = versionOf(list[1])
  switch (textOf(list[0])) {
    case 'changes':
      return parseChanges(head, list, sized)
    case 'state':
      return {
        type: 'state',
        head,
        diverged: divergence(list[2]),
        seal: textOf(list[3]),
        entries: listOf(list, 4).slice(4),
      }
    case 'old':
      return { type: 'old', head, diverged: divergence(list[2]), seal: textOf(list[3]), size: countOf(list[4]) }
    default:
      throw unexpected(reply, 'an answer of the script "pull"')
  }
}

function parseChanges(head: string, list: readonly unknown[], sized: boolean): PullReply {
  const changes = list.slice(2, sized ? -1 : undefined).map(textOf)
  return { type: 'changes', head, changes, size: sized ? countOf(list.at(-1)) : 0 }
}

/** A reply of the commit script. 'again': nothing was executed, and the batch must be sent in the long form. */
export type CommitReply =
  | { readonly status: 'again' }
  | { readonly status: 'stale'; readonly head: string; readonly bound: number; readonly diverged: number }
  | {
      readonly status: 'dup'
      readonly head: string
      readonly bound: number
      readonly position: number
      readonly changes: readonly string[]
    }
  | {
      readonly status: 'ok'
      readonly head: string
      readonly bound: number
      readonly written: Written
      readonly changes: readonly string[]
    }

const AGAIN = { status: 'again' } as const

/** The results of one set. */
const ONE_SET: Written = { codes: 'u', values: [] }

/**
 * @param next - the version if the batch was executed on its base.
 * @throws StoreUnavailableError if the script cannot have sent the reply.
 */
export function parseCommit(reply: unknown, next: string): CommitReply {
  if (wordOf(reply) === '-1') return AGAIN
  if (!Array.isArray(reply)) return { status: 'ok', head: next, bound: countOf(reply), written: ONE_SET, changes: [] }
  const list = listOf(reply, 4)
  const [head, bound] = [versionOf(list[1]), boundOf(list[2])]
  switch (textOf(list[0])) {
    case 'stale':
      return { status: 'stale', head, bound, diverged: divergence(list[3]) }
    case 'dup':
      return parseDuplicate(head, bound, list)
    case 'ok':
      return parseDone(head, bound, list)
    default:
      throw unexpected(reply, 'an answer of the script "commit"')
  }
}

/** A reply to a batch that asks replicas to acknowledge. */
export function parseCommitEverywhere(
  reply: unknown,
  next: string,
): { readonly reply: CommitReply; readonly registry: unknown } {
  const [first, registry] = listOf(reply, 2)
  return { reply: parseCommit(listOf(first), next), registry }
}

function parseDuplicate(head: string, bound: number, list: readonly unknown[]): CommitReply {
  const changes = list.slice(4).map(textOf)
  const position = countOf(list[3])
  if (position < 1 || position > changes.length) throw unexpected(list, 'the position of a change')
  return { status: 'dup', head, bound, position, changes }
}

function parseDone(head: string, bound: number, list: readonly unknown[]): CommitReply {
  const count = countOf(list[4])
  if (list.length < 5 + count) throw unexpected(list, `a list with ${count} values`)
  const values = list.slice(5, 5 + count).map(textOf)
  return {
    status: 'ok',
    head,
    bound,
    written: { codes: textOf(list[3]), values },
    changes: list.slice(5 + count).map(textOf),
  }
}

/** Parses a reply of HSCAN. */
export function parseScan(reply: unknown): { readonly cursor: string; readonly entries: readonly unknown[] } {
  const [cursor, entries] = listOf(reply, 2)
  const text = typeof cursor === 'number' ? String(cursor) : textOf(cursor)
  if (!/^\d+$/.test(text)) throw unexpected(reply, 'a cursor and a list')
  return { cursor: text, entries: listOf(entries) }
}

function versionOf(reply: unknown): string {
  const version = textOf(reply)
  if (isVersion(version)) return version
  throw unexpected(reply, 'a version')
}

function divergence(reply: unknown): number {
  const diverged = countOf(reply)
  if (diverged <= 2) return diverged
  throw unexpected(reply, '0, 1 or 2')
}

/** The longest delay of a timer, in ms. */
const LONGEST_BOUND = 2 ** 31 - 1

function boundOf(reply: unknown): number {
  const text = typeof reply === 'number' ? String(reply) : textOf(reply)
  const bound = text.length <= 30 && /^\d+\.?\d*$/.test(text) ? Number(text) : Number.NaN
  if (bound <= LONGEST_BOUND) return bound
  throw unexpected(reply, 'a bound')
}

/** Returns whether the server that answered HELLO is a primary. */
export function isPrimary(reply: unknown): boolean {
  const role =
    reply instanceof Map ? reply.get('role') : Array.isArray(reply) ? afterName(reply, 'role') : roleMember(reply)
  return textOf(role) === 'master'
}

function afterName(list: readonly unknown[], name: string): unknown {
  const at = list.findIndex(
    element => (typeof element === 'string' || element instanceof Uint8Array) && textOf(element) === name,
  )
  return at < 0 ? undefined : list[at + 1]
}

function roleMember(reply: unknown): unknown {
  return typeof reply === 'object' && reply !== null ? (reply as { role?: unknown }).role : undefined
}
