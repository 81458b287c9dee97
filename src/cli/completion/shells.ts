import type { Verb } from '../verb.js'
import { bash } from './bash.js'
import { fish } from './fish.js'
import { zsh } from './zsh.js'

export type Shell = 'bash' | 'zsh' | 'fish'

/** The scripts. Keys are never expanded by the shell: they may contain anything. */
export const COMPLETIONS: Readonly<Record<Shell, (verbs: readonly Verb[]) => string>> = { bash, zsh, fish }
