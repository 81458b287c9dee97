import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import { once } from './telemetry/once.js'
import { measure } from './telemetry/opentelemetry-metrics.js'
import { traceWith } from './telemetry/opentelemetry-spans.js'
import { VERSION } from './version.js'

/** Options of `instrument`. */
export interface InstrumentOptions {
  /**
   * Where metrics go. Default: the global meter provider at the time of the call.
   *
   * @example
   * instrument({ meterProvider: new MeterProvider({ readers: [reader] }) })
   */
  meterProvider?: MeterProvider | undefined
  /**
   * Where spans go. Default: the global tracer provider.
   *
   * @example
   * instrument({ tracerProvider: new BasicTracerProvider({ spanProcessors: [processor] }) })
   */
  tracerProvider?: TracerProvider | undefined
}

/**
 * Sends metrics and spans of every dictionary in this process to OpenTelemetry, from all copies of the library. Call it once, after your
 * SDK has started and before you open dictionaries.
 *
 * The attributes are the dictionary's name, the kind of its store and outcomes: never a key or a value.
 *
 * @returns a function that ends it.
 *
 * @example
 * new NodeSDK({ metricReader, traceExporter }).start()
 * instrument()
 */
export function instrument({ meterProvider, tracerProvider }: InstrumentOptions = {}): () => void {
  const meter = (meterProvider ?? metrics.getMeterProvider()).getMeter('durabledict', VERSION)
  const tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer('durabledict', VERSION)
  const stops = [once('meters', meter, () => measure(meter)), once('tracers', tracer, () => traceWith(tracer))]
  return () => {
    for (const stop of stops) stop()
  }
}
