import { COMMON } from '../options.js'
import type { Verb } from '../verb.js'

/** The verbs whose first word is a key. */
export function keyVerbs(verbs: readonly Verb[]): string[] {
  return verbs.filter(({ usage }) => /^\[?(KEY|PREFIX)\b/.test(usage)).map(({ name }) => name)
}

export function optionsOf({ options }: Verb): string[] {
  return Object.keys({ ...options, ...COMMON }).map(name => `--${name}`)
}

/** The options that a value follows, in both forms. */
export function valuedOptions({ options }: Verb): string[] {
  return Object.entries({ ...options, ...COMMON }).flatMap(([name, { type, short }]) => {
    if (type !== 'string') return []
    return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
  })
}

export function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
