import { addHooks, type FastifyHost } from './frameworks/fastify-hooks.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { FastifyHost } from './frameworks/fastify-hooks.js'
export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/** A plugin of Fastify 5. */
export type FastifyPlugin = (instance: FastifyHost, options: unknown, done: (error?: Error) => void) => void

/**
 * A plugin for Fastify: brings the dictionaries up to date at the start of each request, gives the request an immutable
 * snapshot of each as `request.dicts`, and makes `dict.current()` give the same one anywhere below, until the response was sent.
 * It holds for the instance that registers it, and for all inside of that.
 *
 * Every request sees a state no older than the newest write acknowledged, to anyone, before it came (linearizable), or with
 * `maxStaleness` no older than that. A request never sees a change halfway through, not even one of its own.
 *
 * A request that is refused goes to the error handler as `ServiceUnavailableError`, with `statusCode` 503, and its reply has
 * `Retry-After` already.
 *
 * @throws TypeError for what is no dictionary, and for a wrong option.
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
    // What it adds is for the instance that registers it, not for one of its own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'durabledict',
    [Symbol.for('plugin-meta')]: { name: 'durabledict', fastify: '5.x' },
  })
}
