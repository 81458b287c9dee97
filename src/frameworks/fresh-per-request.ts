import { isPromise } from '../contract/is-promise.js'
import type { Answer } from '../dictionary/request-checks.js'
import { type Place, RequestScope, type Sent, scopeOf } from '../dictionary/request-scope.js'
import { boundIsWritten } from '../dictionary/settings.js'
import { ClosedError, ServiceUnavailableError } from '../errors/errors.js'
import { checkDictionaries, checkSettings, type Named } from './arguments.js'
import type { Dictionaries, DictsOf, FreshPerRequestOptions } from './types.js'

/** The common part of all frameworks' entry points: confirms the dictionaries for a request and provides their snapshots. */
export class FreshPerRequest<A extends Dictionaries> {
  readonly #named: readonly Named[]
  readonly #dictionaries: readonly object[]
  /** For each dictionary, in ms. */
  readonly #bounds: readonly number[]
  readonly #by: ((request: object) => string | undefined) | undefined
  readonly #fails: boolean
  /** In ms. */
  readonly #patience: number

  /** @param call - the name of the user's call, for messages. */
  constructor(dictionaries: A, options: FreshPerRequestOptions | undefined, call = 'freshPerRequest()') {
    const { by, fails, maxStaleness, patience } = checkSettings(options, call)
    this.#by = by
    this.#patience = patience
    this.#named = checkDictionaries(dictionaries, call)
    this.#dictionaries = this.#named.map(({ api }) => api.identity)
    this.#bounds = this.#named.map(({ api }) => maxStaleness ?? api.maxStaleness)
    const unable = maxStaleness ? this.#named.find(({ api }) => api.readOnly) : undefined
    if (unable) throw boundIsWritten(unable.api.name)
    this.#fails = fails
  }

  /**
   * Begins a request, synchronously if each dictionary was confirmed within its bound. Never throws. Rejects with
   * `ServiceUnavailableError` if a dictionary is closed, or its store is down and `whenDown` is `'fail'`.
   *
   * A request keeps a dictionary's snapshot that an earlier middleware took.
   *
   * @param request - identifies the request: always the same object for the same request.
   * @param visible - the request as the framework shows it to users. Default: `request`.
   */
  begin(
    request: object,
    response?: Sent,
    visible = request,
  ): RequestScope<DictsOf<A>> | Promise<RequestScope<DictsOf<A>>> {
    const by = this.#by
    const place = { request, response, outer: scopeOf(request), author: by && (() => by(visible)) }
    let waiting: Promise<Answer>[] | undefined
    for (const [index, { api }] of this.#named.entries()) {
      if (place.outer?.find(api.identity)) continue
      const answer = api.checks.confirm(this.#bounds[index] as number, this.#patience)
      if (isPromise(answer)) waiting = [...(waiting ?? []), answer]
      else if (this.#refuses(answer)) return Promise.reject(refusal(answer))
    }
    return waiting ? this.#wait(waiting, place) : this.#enter(place)
  }

  async #wait(waiting: readonly Promise<Answer>[], place: Place): Promise<RequestScope<DictsOf<A>>> {
    for (const answer of await Promise.all(waiting)) if (this.#refuses(answer)) throw refusal(answer)
    return this.#enter(place)
  }

  #enter(place: Place): RequestScope<DictsOf<A>> {
    const dicts: Record<string, unknown> = { ...place.outer?.dicts }
    const snapshots = this.#named.map(({ name, api }) => {
      const snapshot = place.outer?.find(api.identity) ?? api.present()
      dicts[name] = snapshot
      return snapshot
    })
    return new RequestScope(place, this.#dictionaries, snapshots, Object.freeze(dicts) as DictsOf<A>)
  }

  /** A closed dictionary is refused even with `whenDown: 'serve'`: this is not an outage, and memory is no longer updated. */
  #refuses(answer: Answer): answer is NonNullable<Answer> {
    return answer !== undefined && (this.#fails || answer instanceof ClosedError)
  }
}

function refusal(cause: NonNullable<Answer>): ServiceUnavailableError {
  return new ServiceUnavailableError('The service is unavailable at present. Try again later.', {
    dictionary: cause.dictionary,
    cause,
  })
}
