import { isDeepStrictEqual } from 'node:util'
import { processWide } from './process/shared.js'

/** What is needed of a dictionary here. */
interface OnceOpened {
  on(event: 'close', listener: () => void): unknown
  close(): Promise<void>
}

/** Options of `openOnce`. */
export interface OpenOnceOptions {
  /**
   * What the dictionary is opened with, compared by value. When a call passes another value than the call before, which is
   * what happens after a hot reload that changed it, the dictionary is opened again and the former one is closed.
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
 * Opens a dictionary once in this process, however often and from however many copies of a module it is called: servers
 * that reload modules, such as Next, evaluate the same module once in each bundle and again after each change.
 *
 * A call whose `open` rejects leaves nothing behind: the next call tries again. After `close`, the next call opens again.
 *
 * @param key - names the dictionary within the process.
 * @param open - called when the dictionary is not open yet.
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
    return Promise.reject(
      new TypeError('openOnce() takes a key, which is a string, and a function that opens a dictionary.'),
    )
  }
  const former = all.get(key)
  if (former && isDeepStrictEqual(former.dependsOn, dependsOn)) return former.dictionary as Promise<Dict>
  const dictionary = former ? replace(open, former) : begin(open)
  register(key, { dependsOn, dictionary }, former)
  return dictionary
}

/** Rejects also when the function throws, or returns something else than a dictionary. */
async function begin<Dict extends OnceOpened>(open: () => Promise<Dict>): Promise<Dict> {
  const opened: Partial<OnceOpened> | undefined = await open()
  if (typeof opened?.on === 'function' && typeof opened.close === 'function') return opened as Dict
  throw new TypeError('The function passed to openOnce() must return the dictionary that it opens, or a promise of it.')
}

/** Closes the former one once there is another. */
async function replace<Dict extends OnceOpened>(open: () => Promise<Dict>, former: Opened): Promise<Dict> {
  const dictionary = await begin(open)
  await former.dictionary.then(it => it.close()).catch(() => {})
  return dictionary
}

/** For as long as it is open. When it fails to open, the former one stays. */
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
