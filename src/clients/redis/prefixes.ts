interface IoredisMembers {
  readonly options?: { readonly keyPrefix?: unknown }
}

/** What an ioredis client puts before keys, those of commands that are sent by `call` included. */
export function ioredisPrefix(client: object): string {
  const { options } = client as IoredisMembers
  return typeof options?.keyPrefix === 'string' ? options.keyPrefix : ''
}

interface NodeRedisMembers {
  readonly _keyPrefix?: unknown
  readonly options?: { readonly keyPrefix?: unknown }
}

/** What a client of node-redis puts before keys; not before those of a command that is sent as it is, like ours. */
export function nodeRedisPrefix(client: object): string {
  const { _keyPrefix, options } = client as NodeRedisMembers
  const prefix = _keyPrefix ?? options?.keyPrefix
  return typeof prefix === 'string' ? prefix : ''
}
