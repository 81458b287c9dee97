import type { StandardSchemaV1 } from '@standard-schema/spec'
import { boolean, checkNames, isPlain, wrong } from '../dictionary/option-checks.js'

/** What a right allows: to see a key with its value and history, or to change it. */
export type ConsoleAction = 'read' | 'write'

/** Who uses the console, and what they may do. */
export interface ConsoleUser {
  /** Becomes `by` of each change: a non-empty text of at most 256 bytes of UTF-8. */
  readonly user: string
  /**
   * Whether the user may do this to the key: only `true` allows it. Default: everything is allowed.
   *
   * @example
   * authorize: request => ({ user: 'ada', can: (action, key) => action === 'read' || key.startsWith('ui.') })
   */
  readonly can?: ((action: ConsoleAction, key: string) => boolean | Promise<boolean>) | undefined
  /**
   * Whether the user may see the processes that hold the dictionary, with their hosts and process ids: in the view of replicas, and
   * while a write waits for them. Default: yes, unless `can` limits the user.
   *
   * @example
   * authorize: request => ({ user: 'ada', can: mayAda, replicas: true })
   */
  readonly replicas?: boolean | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: each framework's own request, without importing its types.
type FrameworkRequest = any

/** Decides who sent a request. `undefined` refuses it. */
export type Authorize = (
  request: Request,
  /** The framework's own request (with Koa and Hono, the context); `undefined` if the handler is called directly. */
  context: FrameworkRequest,
) => ConsoleUser | undefined | Promise<ConsoleUser | undefined>

/** The options of `createConsole`. */
export interface ConsoleOptions {
  /**
   * Who sent a request, and what they may do. Required: it is called for every request, whatever its path. If it throws or rejects,
   * the request is refused.
   *
   * @example
   * createConsole(settings, { authorize: (request, context) => context.user && { user: context.user.email } })
   */
  readonly authorize: Authorize
  /**
   * Refuses every change, whatever the rights of the user. Default `false`, and `true` for a dictionary opened with `readOnly`.
   *
   * @example
   * createConsole(settings, { authorize, readOnly: true })
   */
  readonly readOnly?: boolean | undefined
  /**
   * Keys whose values never leave the server: names, patterns, or a function. They can be overwritten and removed, by users with that
   * right, but not seen. Default: none.
   *
   * @example
   * createConsole(settings, { authorize, mask: [/token|password/i] })
   */
  readonly mask?: readonly (string | RegExp)[] | ((key: string) => boolean) | undefined
  /**
   * Returns the JSON Schema of a schema, for libraries that do not offer Standard JSON Schema. Default: `~standard.jsonSchema`, and for
   * Valibot the installed package `@valibot/to-json-schema`.
   *
   * @example
   * createConsole(settings, { authorize, jsonSchema: schema => toJsonSchema(schema) })
   */
  readonly jsonSchema?: ((schema: StandardSchemaV1) => object | undefined) | undefined
  /**
   * The origins that browsers see, for browsers that do not send `Sec-Fetch-Site`. Default: the host that the request names.
   *
   * @example
   * createConsole(settings, { authorize, origins: ['https://admin.example.com'] })
   */
  readonly origins?: readonly string[] | undefined
}

const NAMES = ['authorize', 'readOnly', 'mask', 'jsonSchema', 'origins']

/** The options after validation. */
export interface ConsoleSettings {
  readonly authorize: Authorize
  readonly readOnly: boolean
  readonly isMasked: (key: string) => boolean
  readonly jsonSchema: ((schema: StandardSchemaV1) => object | undefined) | undefined
  readonly origins: ReadonlySet<string>
}

/** @throws TypeError if `authorize` is missing, or for an invalid option. */
export function checkConsoleOptions(options: ConsoleOptions): ConsoleSettings {
  if (typeof options?.authorize !== 'function') throw withoutAuthorize(options)
  checkNames(options, NAMES, 'createConsole()')
  const { authorize, readOnly = false, mask = [], jsonSchema, origins = [] } = options
  if (jsonSchema !== undefined && typeof jsonSchema !== 'function')
    throw wrong('jsonSchema', 'a function of a schema', jsonSchema)
  if (!Array.isArray(origins)) throw wrong('origins', 'an array of origins', origins)
  return {
    authorize,
    readOnly: boolean('readOnly', readOnly),
    isMasked: maskOf(mask),
    jsonSchema,
    origins: new Set(origins.map(checkOrigin)),
  }
}

function withoutAuthorize(options: unknown): TypeError {
  const got = isPlain(options) ? 'Option "authorize" must be a function of the request' : 'It takes the options'
  return new TypeError(
    `createConsole() does not mount without "authorize": anyone who reaches the console could change the dictionary. ${got}: ` +
      '{ authorize: request => ({ user: "ada@example.com" }) }. Return undefined to refuse a request.',
  )
}

function checkOrigin(origin: unknown): string {
  if (typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw wrong('origins', 'an array of origins such as "https://admin.example.com"', origin)
}

/** A function that throws, and anything but `false`, masks the key. */
function maskOf(mask: unknown): (key: string) => boolean {
  if (typeof mask === 'function') {
    return key => {
      try {
        return mask(key) !== false
      } catch {
        return true
      }
    }
  }
  if (!Array.isArray(mask)) throw wrong('mask', 'an array of keys and patterns, or a function of the key', mask)
  for (const one of mask) {
    if (typeof one !== 'string' && !(one instanceof RegExp)) throw wrong('mask', 'an array of keys and patterns', one)
  }
  const patterns: readonly (string | RegExp)[] = [...mask]
  return key => patterns.some(one => (typeof one === 'string' ? one === key : key.search(one) >= 0))
}
