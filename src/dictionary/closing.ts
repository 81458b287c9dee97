import type { Backend } from '../contract/backend.js'
import type { ClosedError } from '../errors/errors.js'
import { closeFault } from '../replica/faults.js'
import { now } from '../time/clock.js'
import { DEFAULT_TIMEOUT } from '../time/default-timeout.js'
import { late, within } from '../time/within.js'
import type { Internals } from './assembly.js'

/** Ends everything that a dictionary has under way, even if some of it fails or hangs, then rejects with the first fault. */
export async function closeInternals(internals: Internals, reason: ClosedError): Promise<void> {
  const { context, emitter, feed, name, replica, settings, store, watchers } = internals
  const until = now() + settings.timeout
  const { timeout } = settings
  const limited = <V>(work: () => V | Promise<V>, ms: number) => context.run(() => bounded(work, ms, timeout))
  const stopping = limited(async () => feed?.stop(), timeout)
  const ended = await Promise.allSettled([stopping, replica.close(reason)])
  watchers.end()
  await limited(async () => internals.recorder?.close(), until - now()).catch(() => {})
  await leave(internals, until - now())
  const left = Math.max(until - now(), grace(timeout))
  const closed = await Promise.allSettled([limited(async () => store.backend.close?.(), left)])
  emitter.emit('close', undefined)
  const fault = [...ended, ...closed].find(one => one.status === 'rejected')
  if (fault) throw closeFault(fault.reason, name)
}

/** Leaves the registry, so that no writer waits for this replica. If that fails, its record expires. */
async function leave({ context, replica, settings, store }: Internals, left: number): Promise<void> {
  const { id } = replica
  if (id === undefined) return
  const { timeout } = settings
  const work = () => bounded(async () => store.backend.leave?.(id), Math.max(left, grace(timeout)), timeout)
  await context.run(work).catch(() => {})
}

/** Closes after a failed opening. The caller reports the first fault: faults here are ignored, and the wait is short. */
export async function closeQuietly(backend: Backend<unknown>, timeout = DEFAULT_TIMEOUT): Promise<void> {
  await bounded(async () => backend?.close?.(), grace(timeout), timeout).catch(() => {})
}

/** How long a backend may take to close after the timeout has been used up, in ms. */
function grace(timeout: number): number {
  return Math.min(Math.max(timeout / 10, 100), timeout)
}

function bounded<V>(work: () => V | Promise<V>, ms: number, timeout: number): Promise<V> {
  return within(ms, work, undefined, () => late(timeout))
}
