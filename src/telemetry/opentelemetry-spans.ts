import { AsyncLocalStorage } from 'node:async_hooks'
import { type Channel, channel } from 'node:diagnostics_channel'
import { type Context, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { CheckMessage, CommitMessage, LoadMessage, TracedMessage } from '../diagnostics/messages.js'
import { OUTCOME } from './metrics.js'
import { onEnd } from './observe.js'
import { attributesOf } from './opentelemetry-metrics.js'

const KINDS = ['open', 'check', 'load', 'commit'] as const

/** Work of the background and everything inside it gets no spans: nobody's request caused it. */
const SILENT = Symbol('silent')

/** Creates a span for each operation that a caller waits for, until the returned function is called. */
export function traceWith(tracer: Tracer): () => void {
  const spans = new Spans(tracer)
  const stops = KINDS.flatMap(kind => [spans.follow(kind), onEnd(kind, message => spans.end(message))])
  return () => {
    for (const stop of stops) stop()
  }
}

class Spans {
  readonly #tracer: Tracer
  readonly #spans = new WeakMap<TracedMessage, Span>()
  /** The span of the operation around: loads belong to the check that needed them. */
  readonly #around = new AsyncLocalStorage<Span | typeof SILENT>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  follow(kind: (typeof KINDS)[number]): () => void {
    const start = channel(`tracing:durabledict:${kind}:start`) as Channel<unknown, TracedMessage>
    start.bindStore(this.#around, message => this.#begin(kind, message))
    return () => void start.unbindStore(this.#around)
  }

  end(message: TracedMessage): void {
    const span = this.#spans.get(message)
    if (!span) return
    const { outcome = 'error', error } = message
    span.setAttributes({ [OUTCOME]: outcome, ...detailsOf(message) })
    if (error) {
      span.setAttribute('error.type', outcome)
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.cause ?? outcome })
    }
    span.end()
  }

  #begin(kind: string, message: TracedMessage): Span | typeof SILENT {
    const parent = this.#parent()
    if (parent === SILENT || (message as CheckMessage).awaited === false) return SILENT
    const span = this.#tracer.startSpan(`durabledict.${kind}`, { attributes: attributesOf(message) }, parent)
    this.#spans.set(message, span)
    return span
  }

  /** A parent that has ended, or is not sampled, gets no children: background work often starts inside a span of the start-up. */
  #parent(): Context | typeof SILENT {
    const around = this.#around.getStore()
    if (around === SILENT) return SILENT
    const parent = around ? trace.setSpan(context.active(), around) : context.active()
    const span = trace.getSpan(parent)
    return span && !span.isRecording() && !span.spanContext().isRemote ? SILENT : parent
  }
}

function detailsOf(message: LoadMessage & Partial<CommitMessage>): Record<string, number> {
  const { entries, operations } = message
  return {
    ...(entries !== undefined && { 'durabledict.entries': entries }),
    ...(operations !== undefined && { 'durabledict.operations': operations }),
  }
}
