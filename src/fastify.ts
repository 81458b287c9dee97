import { addHooks, type FastifyHost } from './frameworks/fastify-hooks.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { FastifyHost } from './frameworks/fastify-hooks.js'
export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/** A plugin of Fastify 5. */
export type FastifyPlugin = (instance: FastifyHost, options: unknown, done: (error?: Error) => void) => void

/**
 * A plugin for Fastify. It brings the dictionaries up to date at the start of each request and provides an immutable
 * snapshot of each as `request.dicts`. Until the response is sent, `dict.current()` returns the same snapshot anywhere inside the
 * request. The plugin applies to the instance that registers it and to all instances inside it.
 *
 * Every request sees a state that includes every write acknowledged, to any client, before the request arrived (linearizable). With
 * `maxStaleness`, the state may be older by at most that bound. A request never sees part of a change, not even of its own.
 *
 * A refused request goes to the error handler as `ServiceUnavailableError`, with `statusCode` 503. Its reply already has
 * `Retry-After`.
 *
 * @throws TypeError if an argument is not a dictionary, or for an invalid option.
 *
 * @example
 * app.register(freshPerRequest({ settings }))
 * app.get('/', async request => request.dicts.settings.get('theme'))
 */
export function freshPerRequest<const A extends Dictionaries>(
  dictionaries: A,
  options?: FreshPerRequestOptions,
): FastifyPlugin {
  const fresh = new FreshPerRequest(dictionaries, options)
  const plugin: FastifyPlugin = (instance, _options, done) => {
    addHooks(instance, fresh)
    done()
  }
  return Object.assign(plugin, {
    // The plugin's hooks apply to the instance that registers it, not to a new child instance.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'durabledict',
    [Symbol.for('plugin-meta')]: { name: 'durabledict', fastify: '5.x' },
  })
}
