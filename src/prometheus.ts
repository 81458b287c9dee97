import { once } from './telemetry/once.js'
import { fill, type PrometheusRegistry } from './telemetry/prometheus-metrics.js'

export type { PrometheusRegistry } from './telemetry/prometheus-metrics.js'

/**
 * Adds metrics of every dictionary in this process to a registry of prom-client, from all copies of the library. Call it once for each
 * registry, before you open dictionaries.
 *
 * The labels are the dictionary's name, the kind of its store and outcomes: never a key or a value. The series of a dictionary
 * disappear when it is closed.
 *
 * @returns a function that removes the metrics from the registry.
 * @throws Error if the registry has metrics with these names.
 *
 * @example
 * import { register as registry } from 'prom-client'
 *
 * register(registry)
 * app.get('/metrics', async (request, response) => response.type(registry.contentType).send(await registry.metrics()))
 */
export function register(registry: PrometheusRegistry): () => void {
  return once('registries', registry, () => fill(registry))
}
