interface IoredisMembers {
  readonly options?: { readonly keyPrefix?: unknown }
}

/** The prefix that an ioredis client adds to keys, including those of commands sent by `call`. */
export function ioredisPrefix(client: object): string {
  const { options } = client as IoredisMembers
  return typeof options?.keyPrefix === 'string' ? options.keyPrefix : ''
}

interface NodeRedisMembers {
  readonly _keyPrefix?: unknown
  readonly options?: { readonly keyPrefix?: unknown }
}

/** The prefix that a node-redis client adds to keys. It adds none to raw commands like ours. */
export function nodeRedisPrefix(client: object): string {
  const { _keyPrefix, options } = client as NodeRedisMembers
  const prefix = _keyPrefix ?? options?.keyPrefix
  return typeof prefix === 'string' ? prefix : ''
}
