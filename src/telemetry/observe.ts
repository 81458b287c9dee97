import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticSubject, SyncMessage, TracedMessage } from '../diagnostics/messages.js'
import { openDictionaries } from '../diagnostics/open-dictionaries.js'
import type { Counter, Duration } from './metrics.js'

/** Where measurements go. */
export interface Sink {
  /** @param seconds - how long an operation took. */
  record(duration: Duration, subject: DiagnosticSubject, outcome: string, seconds: number): void
  /** Adds 0 when a dictionary opens: the first increase of a series that did not exist before would be missed. */
  add(counter: Counter, subject: DiagnosticSubject, increase: number): void
}

const COUNTED: readonly Counter[] = ['changes', 'divergences', 'conflicts']
const MEASURED: readonly Duration[] = ['check', 'load', 'commit']

/** Passes what the channels publish to the sink, until the returned function is called. */
export function observe(sink: Sink): () => void {
  const begin = (subject: DiagnosticSubject) => {
    for (const counter of COUNTED) sink.add(counter, subject, 0)
  }
  for (const dictionary of openDictionaries()) begin(dictionary)
  const stops = [
    onEnd('open', message => void (message.error || begin(message))),
    ...MEASURED.map(name => onEnd(name, message => measure(sink, name, message))),
    listen('durabledict:sync', message => count(sink, message as SyncMessage)),
    listen('durabledict:conflict', message => sink.add('conflicts', message as DiagnosticSubject, 1)),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function measure(sink: Sink, name: Duration, message: TracedMessage): void {
  const { outcome = 'error', duration = 0 } = message
  sink.record(name, message, outcome, duration / 1_000)
}

function count(sink: Sink, message: SyncMessage): void {
  if (message.changes > 0) sink.add('changes', message, message.changes)
  if (message.reason === 'diverged') sink.add('divergences', message, 1)
}

/** Calls the listener when an operation has ended, whether it was synchronous or not. */
export function onEnd(name: Duration | 'open', listener: (message: TracedMessage) => void): () => void {
  const stops = ['end', 'asyncEnd'].map(event =>
    listen(`tracing:durabledict:${name}:${event}`, message => {
      // The event `end` of an operation that has not ended yet has no outcome.
      if ((message as TracedMessage).outcome !== undefined) listener(message as TracedMessage)
    }),
  )
  return () => {
    for (const stop of stops) stop()
  }
}

function listen(channel: string, listener: (message: unknown) => void): () => void {
  subscribe(channel, listener)
  return () => void unsubscribe(channel, listener)
}
