import { resolve } from 'node:path'
import type { LastKnownSettings } from '../last-known/settings.js'
import { checkNames, isPlain, wrong } from './option-checks.js'

/** @throws TypeError if the option `lastKnown` is wrong. */
export function checkLastKnown(option: unknown): LastKnownSettings | undefined {
  if (option === undefined) return undefined
  if (typeof option === 'string') return { file: path('lastKnown', option), seed: undefined, maxAge: undefined }
  if (!isPlain(option)) throw wrong('lastKnown', 'the path of a file, or an object with "file"', option)
  checkNames(option as object, ['file', 'maxAge', 'seed'], 'The option "lastKnown"')
  const { file, seed, maxAge } = option as Readonly<Record<string, unknown>>
  return {
    file: path('lastKnown.file', file),
    seed: seed === undefined ? undefined : path('lastKnown.seed', seed),
    maxAge: maxAge === undefined ? undefined : age(maxAge),
  }
}

/** The working directory may change later. */
function path(name: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && !value.includes('\0')) return resolve(value)
  throw wrong(name, 'the path of a file', value)
}

function age(value: unknown): number {
  if (typeof value === 'number' && value >= 1) return value
  throw wrong('lastKnown.maxAge', 'a number of milliseconds from 1', value)
}
