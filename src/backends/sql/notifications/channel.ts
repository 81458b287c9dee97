import { builtin } from '../../../process/builtin.js'

/** Returns the PostgreSQL channel of a dictionary's changes. It is a hash, because channel names must be short. */
export function channelOf(key: string): string {
  return `durabledict_${builtin.crypto.createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}
