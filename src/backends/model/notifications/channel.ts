import { createHash } from 'node:crypto'

/** The channel of PostgreSQL on which a dictionary's changes are told: names there are short, and keys are not. */
export function channelOf(key: string): string {
  return `durabledict_${createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}
