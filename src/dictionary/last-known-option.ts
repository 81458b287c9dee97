import type { LastKnownSettings } from '../last-known/settings.js'
import { builtin } from '../process/builtin.js'
import { checkNames, isPlain, wrong } from './option-checks.js'

/** @throws TypeError if the option `lastKnown` is wrong. */
export function checkLastKnown(option: unknown): LastKnownSettings | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'string')
    return { file: path('the path of a file', option), seed: undefined, maxAge: undefined }
  if (!isPlain(option)) throw wrong('lastKnown', 'the path of a file, or an object with "file"', option)
  checkNames(option as object, ['file', 'maxAge', 'seed'], 'Option "lastKnown"')
  const { file, seed, maxAge } = option as Readonly<Record<string, unknown>>
  const settings = {
    file: path('an object whose "file" is the path of a file', file),
    seed: seed === undefined ? undefined : path('an object whose "seed" is the path of a file', seed),
    maxAge: maxAge === undefined ? undefined : age(maxAge),
  }
  if (settings.file !== settings.seed) return settings
  throw new TypeError('Option "lastKnown" must name different files as "file" and "seed": the seed is never written.')
}

/** The working directory may change later. */
function path(wanted: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && !value.includes('\0')) return builtin.path.resolve(value)
  throw wrong('lastKnown', wanted, value)
}

function age(value: unknown): number {
  if (typeof value === 'number' && value >= 1) return value
  throw wrong('lastKnown', 'an object whose "maxAge" is a number of milliseconds from 1', value)
}
