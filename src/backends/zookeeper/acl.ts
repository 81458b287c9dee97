import type { Acl } from './client/packets.js'

/** All rights on a znode: read, write, create, delete, admin. */
const ALL = 31

/** Everyone has all rights, as with ZooKeeper's own tools. */
const OPEN: readonly Acl[] = [{ perms: ALL, scheme: 'world', id: 'anyone' }]

/**
 * An entry of an access control list: plain (`perms`), or an object of node-zookeeper-client's class (with
 * `permission`).
 */
export interface ZookeeperAcl {
  /** The sum of 1 (read), 2 (write), 4 (create), 8 (delete) and 16 (admin). */
  readonly perms?: number | undefined
  readonly permission?: number | undefined
  readonly id: { readonly scheme: string; readonly id: string }
}

/**
 * Converts the list to plain form. Default: everyone has all rights.
 *
 * @throws TypeError if it is not an access control list.
 */
export function toAcl(given: unknown): readonly Acl[] {
  if (given === undefined) return OPEN
  if (!Array.isArray(given) || given.length === 0) throw wrong()
  return given.map(toEntry)
}

/** Returns its size in a request that creates a znode, in bytes. */
export function bytesOfAcl(acl: readonly Acl[]): number {
  return acl.reduce((sum, { scheme, id }) => sum + 12 + Buffer.byteLength(scheme) + Buffer.byteLength(id), 4)
}

function toEntry(given: Partial<ZookeeperAcl> | null): Acl {
  const perms = given?.perms ?? given?.permission
  const { scheme, id } = given?.id ?? {}
  if (typeof scheme !== 'string' || typeof id !== 'string') throw wrong()
  if (!Number.isSafeInteger(perms) || (perms as number) < 1 || (perms as number) > ALL) throw wrong()
  return { perms: perms as number, scheme, id }
}

function wrong(): TypeError {
  return new TypeError(
    'Option "acl" must be a list of entries such as { perms: 31, id: { scheme: "digest", id: "user:hash" } }, or of objects of ' +
      "node-zookeeper-client's class ACL, with at least one entry.",
  )
}
