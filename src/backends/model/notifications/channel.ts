import { builtin } from '../../../process/builtin.js'

/** The channel of PostgreSQL on which a dictionary's changes are told: names there are short, and keys are not. */
export function channelOf(key: string): string {
  return `durabledict_${builtin.crypto.createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}
