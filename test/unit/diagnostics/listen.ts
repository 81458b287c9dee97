import { type ChannelListener, channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'

export const TRACED = ['open', 'check', 'load', 'commit'] as const
export const PLAIN = ['sync', 'stale', 'fresh', 'conflict'] as const

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** What a message had as it was published: the library adds to the messages of traced operations. */
export interface Heard {
  readonly [member: string]: unknown
}

/** Records every message of a channel as a copy, until the test ends. */
export function listen(name: string): Heard[] {
  const heard: Heard[] = []
  const listener: ChannelListener = message => void heard.push({ ...(message as object) })
  subscribe(name, listener)
  onTestFinished(() => void unsubscribe(name, listener))
  return heard
}

/** Records the events of a kind of operation, in order, each with its message. */
export function trace(name: (typeof TRACED)[number]): (readonly [event: string, message: Heard])[] {
  const heard: (readonly [string, Heard])[] = []
  const listeners = Object.fromEntries(
    EVENTS.map(event => [event, (message: unknown) => void heard.push([event, { ...(message as object) }])]),
  )
  const traced = tracingChannel(`durabledict:${name}`)
  traced.subscribe(listeners as never)
  onTestFinished(() => void traced.unsubscribe(listeners as never))
  return heard
}

/** The messages of finished operations. */
export function finished(name: (typeof TRACED)[number]): Heard[] {
  const heard: Heard[] = []
  const listener = (message: object) => {
    if ('outcome' in message) heard.push({ ...message })
  }
  const channels = ['end', 'asyncEnd'].map(event => channel(`tracing:durabledict:${name}:${event}`))
  for (const one of channels) one.subscribe(listener as ChannelListener)
  onTestFinished(() => {
    for (const one of channels) one.unsubscribe(listener as ChannelListener)
  })
  return heard
}
