import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import {
  type Change,
  type CommonOptions,
  type DurableDict,
  StaleError,
  StoreUnavailableError,
  UnsupportedError,
} from '../../src/index.js'

/** A store that can be made unreachable. */
export interface Place {
  /** Opens the dictionary by the way that can be shut. */
  open(options: CommonOptions): Promise<DurableDict>
  /** Opens it by another way, which always works. */
  direct(): Promise<DurableDict>
  shut(): void | Promise<void>
  reopen(): void | Promise<void>
}

/** Longer than anything takes on a busy machine, in ms. */
const UNNOTICED = 20_000

interface Mode {
  readonly options: CommonOptions
  /** What awaited reads do while the store is down. */
  readonly reads: 'serve' | 'reject'
}

const MODES: Readonly<Record<string, Mode>> = {
  autosync: { options: {}, reads: 'reject' },
  manual: { options: { autosync: false }, reads: 'serve' },
  live: { options: { live: true }, reads: 'reject' },
  bounded: { options: { maxStaleness: 3_600_000 }, reads: 'reject' },
  'live and bounded': { options: { live: true, maxStaleness: 60_000 }, reads: 'reject' },
  readOnly: { options: { readOnly: true }, reads: 'reject' },
  serving: { options: { whenDown: 'serve' }, reads: 'serve' },
}

const LAST = { theme: 'dark', lost: [1], same: { deep: true } }

/**
 * Opens a dictionary in every mode while its store is down, checks what serves and what rejects, lets the store return with other
 * data, and checks that each dictionary has followed it.
 *
 * @param timeout - in ms: `open` takes that long if the client of a store does not report at once that it cannot connect.
 */
export async function checkMatrix(place: Place, timeout = UNNOTICED): Promise<void> {
  const lastKnown = join(await folder(), 'last.json')
  await leaveFile(place, lastKnown)
  await changeBehind(place)
  await place.shut()
  const opened = await Promise.all(
    Object.entries(MODES).map(async ([name, mode]) => {
      const dict = await place.open({ ...mode.options, lastKnown, timeout })
      onTestFinished(() => dict.close())
      return {
        name,
        mode,
        dict,
        changes: changesOf(dict),
        stale: nextEvent(dict, 'stale'),
        fresh: nextEvent(dict, 'fresh'),
      }
    }),
  )
  await Promise.all(opened.map(({ name, mode, dict, stale }) => checkDown(name, mode, dict, stale)))
  await place.reopen()
  await Promise.all(opened.map(({ name, dict, changes, fresh }) => checkFollowed(name, dict, changes, fresh)))
  // One after the other: on a busy machine, writes that wait for each other would run into the time limit.
  for (const { name, mode, dict } of opened) await checkUp(name, mode, dict)
}

async function leaveFile(place: Place, lastKnown: string): Promise<void> {
  const dict = await place.open({ lastKnown })
  expect(dict.origin).toBe('store')
  await dict.update(LAST)
  await dict.close()
}

/** What happens after the file was written. */
async function changeBehind(place: Place): Promise<void> {
  const dict = await place.direct()
  await dict.set('theme', 'light')
  await dict.delete('lost')
  await dict.set('added', 1)
  await dict.close()
}

async function checkDown(
  name: string,
  { options, reads }: Mode,
  dict: DurableDict,
  stale: Promise<unknown>,
): Promise<void> {
  expect(dict.origin, name).toBe('last-known')
  expect(dict.local.toObject(), name).toEqual(LAST)
  expect(dict.current().get('theme'), name).toBe('dark')
  expect(Object.isFrozen(dict.local.get('same')), name).toBe(true)
  expect(dict.staleness, name).toBeGreaterThan(0)
  expect(dict.health(), name).toMatchObject({ ready: true, status: 'degraded', reachable: false, origin: 'last-known' })
  await stale
  const calls = [dict.get('theme'), dict.has('lost'), dict.size(), dict.entries(), dict.snapshot()]
  const values = ['dark', true, 3, Object.entries(LAST)]
  if (reads === 'serve') expect((await Promise.all(calls)).slice(0, 4), name).toEqual(values)
  else for (const call of calls) await expect(call, name).rejects.toThrow(StoreUnavailableError)
  if (options.maxStaleness) expect(() => dict.fresh.get('theme'), name).toThrow(StaleError)
  const refused = options.readOnly ? UnsupportedError : StoreUnavailableError
  for (const write of [
    dict.set('theme', 'x'),
    dict.delete('theme'),
    dict.clear(),
    dict.pop('theme'),
    dict.setDefault('n', 1),
  ]) {
    await expect(write, name).rejects.toThrow(refused)
  }
  await expect(
    dict.transact(tx => tx.set('n', 1)),
    name,
  ).rejects.toThrow(refused)
  await expect(dict.sync(), name).rejects.toThrow(StoreUnavailableError)
  expect(dict.local.toObject(), name).toEqual(LAST)
}

async function checkFollowed(
  name: string,
  dict: DurableDict,
  changes: Map<string, Change>,
  fresh: Promise<unknown>,
): Promise<void> {
  await fresh
  expect(dict.origin, name).toBe('store')
  expect(dict.local.toObject(), name).toEqual({ theme: 'light', same: { deep: true }, added: 1 })
  await expect.poll(() => changes.size).toBe(3)
  expect(changes.get('theme'), name).toMatchObject({ value: 'light', previous: 'dark', origin: 'remote' })
  expect(changes.get('lost'), name).toMatchObject({ value: undefined, previous: [1] })
  expect(changes.get('added'), name).toMatchObject({ value: 1, previous: undefined })
}

async function checkUp(name: string, { options }: Mode, dict: DurableDict): Promise<void> {
  expect(await dict.get('theme'), name).toBe('light')
  await dict.sync()
  if (options.maxStaleness) expect(dict.fresh.get('added'), name).toBe(1)
  if (!options.readOnly) await dict.set(`mode ${name}`, name)
  expect(dict.health(), name).toMatchObject({ status: 'ok', origin: 'store' })
}

/** The changes that `watch` has yielded, by key. */
function changesOf(dict: DurableDict): Map<string, Change> {
  const changes = new Map<string, Change>()
  const follow = async () => {
    for await (const change of dict.watch()) {
      if (!change.key.startsWith('mode ')) expect(changes.has(change.key)).toBe(false)
      if (!change.key.startsWith('mode ')) changes.set(change.key, change)
    }
  }
  void follow()
  return changes
}

function nextEvent(dict: DurableDict, event: 'stale' | 'fresh'): Promise<unknown> {
  return new Promise(resolve => dict.on(event, resolve))
}

/** An empty folder, which is removed after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'durabledict-last-known-'))
  // A dictionary closes within its time limit: on a busy machine it may still be writing its file.
  onTestFinished(() => rm(path, { recursive: true, force: true, maxRetries: 10 }))
  return path
}
