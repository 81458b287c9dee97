import { isDeepStrictEqual } from 'node:util'
import { processWide } from './process/shared.js'

/** The members of a dictionary that this needs. */
interface OnceOpened {
  on(event: 'close', listener: () => void): unknown
  close(): Promise<void>
}

/** Options of `openOnce`. */
export interface OpenOnceOptions {
  /**
   * What the dictionary depends on, compared by value. If a call passes another value than the call before, for example after a
   * hot reload changed it, the dictionary is opened again and the previous one is closed. Default: nothing.
   *
   * @example
   * openOnce('settings', () => openSettings(defaults), { dependsOn: defaults })
   */
  dependsOn?: unknown
}

interface Opened {
  readonly dependsOn: unknown
  readonly dictionary: Promise<OnceOpened>
}

const all = processWide('openOnce', () => new Map<string, Opened>())

/**
 * Opens a dictionary once in this process, however often it is called and from however many copies of a module. Servers
 * that reload modules, such as Next, evaluate a module once in each bundle and again after each change.
 *
 * If `open` rejects, the next call tries again. After `close`, the next call opens the dictionary again.
 *
 * @param key - identifies the dictionary within the process.
 * @param open - called if the dictionary is not open yet.
 * @example
 * export const settings = () =>
 *   openOnce('settings', () => RedisDict.open('settings', process.env.REDIS_URL, { live: true }))
 */
export function openOnce<Dict extends OnceOpened>(
  key: string,
  open: () => Promise<Dict>,
  { dependsOn }: OpenOnceOptions = {},
): Promise<Dict> {
  if (typeof key !== 'string' || typeof open !== 'function') {
    return Promise.reject(new TypeError('openOnce() takes a string key and a function that opens a dictionary.'))
  }
  const former = all.get(key)
  if (former && isDeepStrictEqual(former.dependsOn, dependsOn)) return former.dictionary as Promise<Dict>
  const dictionary = former ? replace(open, former) : begin(open)
  register(key, { dependsOn, dictionary }, former)
  return dictionary
}

/** Rejects if the function throws or does not return a dictionary. */
async function begin<Dict extends OnceOpened>(open: () => Promise<Dict>): Promise<Dict> {
  const opened: Partial<OnceOpened> | undefined = await open()
  if (typeof opened?.on === 'function' && typeof opened.close === 'function') return opened as Dict
  throw new TypeError('The function passed to openOnce() must return the dictionary that it opens, or a promise of it.')
}

/** Closes the previous dictionary after opening another one. */
async function replace<Dict extends OnceOpened>(open: () => Promise<Dict>, former: Opened): Promise<Dict> {
  const dictionary = await begin(open)
  await former.dictionary.then(it => it.close()).catch(() => {})
  return dictionary
}

/** Keeps the dictionary registered while it is open. If it fails to open, the previous one stays registered. */
function register(key: string, opened: Opened, former: Opened | undefined): void {
  const set = (entry: Opened | undefined) => {
    if (all.get(key) !== opened) return
    if (entry) all.set(key, entry)
    else all.delete(key)
  }
  all.set(key, opened)
  opened.dictionary.then(
    dictionary => void dictionary.on('close', () => set(undefined)),
    () => set(former),
  )
}
