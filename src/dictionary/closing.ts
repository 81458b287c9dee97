import type { Backend } from '../contract/backend.js'
import type { ClosedError } from '../errors/errors.js'
import { Deadlines } from '../replica/deadlines.js'
import { closeFault, late } from '../replica/faults.js'
import type { Parts } from './assembly.js'
import { DEFAULT_TIMEOUT } from './options.js'

/** Ends all that a dictionary has under way, whatever fails or hangs meanwhile; then rejects with the first fault. */
export async function closeParts(parts: Parts, reason: ClosedError): Promise<void> {
  const { context, emitter, feed, name, replica, settings, store, watchers } = parts
  const within = <V>(work: () => V | Promise<V>) => context.run(() => bounded(work, settings.timeout))
  const ended = await Promise.allSettled([within(async () => feed?.stop()), replica.close(reason)])
  watchers.end()
  const closed = await Promise.allSettled([within(async () => store.backend.close?.())])
  emitter.emit('close', undefined)
  const fault = [...ended, ...closed].find(one => one.status === 'rejected')
  if (fault) throw closeFault(fault.reason, name)
}

/** The fault that opening failed by is the one to tell. */
export async function closeQuietly(backend: Backend<unknown>): Promise<void> {
  await bounded(async () => backend?.close?.(), DEFAULT_TIMEOUT).catch(() => {})
}

function bounded<V>(work: () => V | Promise<V>, ms: number): Promise<V> {
  return new Deadlines().bound(work, ms, () => late(ms))
}
