import { isPromise } from '../contract/is-promise.js'
import { boundIsWritten } from '../dictionary/options.js'
import type { Answer } from '../dictionary/request-checks.js'
import { RequestScope, type Sent, scopeOf } from '../dictionary/request-scope.js'
import { ClosedError, ServiceUnavailableError } from '../errors/errors.js'
import { checkDictionaries, checkSettings, type Named } from './arguments.js'
import type { Dictionaries, DictsOf, FreshPerRequestOptions } from './types.js'

/** What every framework's entry point is made of: confirms the dictionaries for a request, and gives it their snapshots. */
export class FreshPerRequest<A extends Dictionaries> {
  readonly #named: readonly Named[]
  readonly #dictionaries: readonly object[]
  /** By dictionary, in ms. */
  readonly #bounds: readonly number[]
  readonly #fails: boolean
  /** In ms. */
  readonly #patience: number

  /** @param call - what the user called, as messages name it. */
  constructor(dictionaries: A, options: FreshPerRequestOptions | undefined, call = 'freshPerRequest()') {
    const { fails, maxStaleness, patience } = checkSettings(options, call)
    this.#patience = patience
    this.#named = checkDictionaries(dictionaries, call)
    this.#dictionaries = this.#named.map(({ dictionary }) => dictionary)
    this.#bounds = this.#named.map(({ side }) => maxStaleness ?? side.maxStaleness)
    const unable = maxStaleness ? this.#named.find(({ side }) => side.readOnly) : undefined
    if (unable) throw boundIsWritten(unable.side.name)
    this.#fails = fails
  }

  /**
   * Begins a request: at once where each dictionary was confirmed within its bound. Never throws; rejects with
   * `ServiceUnavailableError` where a dictionary is closed, or its store down and `whenDown` is `'fail'`.
   *
   * A request that has a dictionary's snapshot already, by a middleware before this one, keeps it.
   *
   * @param request - tells requests apart: the same object each time for one of them.
   */
  begin(request: object, response?: Sent): RequestScope<DictsOf<A>> | Promise<RequestScope<DictsOf<A>>> {
    const place = { request, response, outer: scopeOf(request) }
    let waiting: Promise<Answer>[] | undefined
    for (const [index, { side, dictionary }] of this.#named.entries()) {
      if (place.outer?.find(dictionary)) continue
      const answer = side.checks.confirm(this.#bounds[index] as number, this.#patience)
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
    const snapshots = this.#named.map(({ name, dictionary, side }) => {
      const snapshot = place.outer?.find(dictionary) ?? side.present()
      dicts[name] = snapshot
      return snapshot
    })
    return new RequestScope(place, this.#dictionaries, snapshots, Object.freeze(dicts) as DictsOf<A>)
  }

  /** A closed dictionary is no outage, of which memory would tell the latest: it is not even asked any more. */
  #refuses(answer: Answer): answer is NonNullable<Answer> {
    return answer !== undefined && (this.#fails || answer instanceof ClosedError)
  }
}

interface Place {
  readonly request: object
  readonly response: Sent | undefined
  readonly outer: RequestScope | undefined
}

function refusal(cause: NonNullable<Answer>): ServiceUnavailableError {
  return new ServiceUnavailableError('The service is unavailable at present. Try again later.', {
    dictionary: cause.dictionary,
    cause,
  })
}
