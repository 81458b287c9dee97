import {
  type AnyDurableDictError,
  ClosedError,
  type ConflictError,
  DurableDictError,
  type ErrorCode,
  KeyError,
  type ServiceUnavailableError,
  type StaleError,
  StoreUnavailableError,
} from '../../src/index.js'
import { expectType } from './settings.js'

// Each class has its own code.
const key: 'DURABLEDICT_KEY' = new KeyError('message').code
const closed: 'DURABLEDICT_CLOSED' = new ClosedError('message', { dictionary: undefined, key: undefined }).code
const code: ErrorCode = 'DURABLEDICT_STALE'
// @ts-expect-error: no such code
const wrong: ErrorCode = 'DURABLEDICT_STALLED'

// A caught error narrows by its code.
declare const caught: unknown
if (caught instanceof DurableDictError) {
  expectType<AnyDurableDictError>()(caught)
  expectType<string | undefined>()(caught.key)
  switch (caught.code) {
    case 'DURABLEDICT_STALE':
      expectType<StaleError>()(caught)
      break
    case 'DURABLEDICT_CONFLICT':
      expectType<ConflictError>()(caught)
      break
    case 'DURABLEDICT_SERVICE_UNAVAILABLE':
      expectType<ServiceUnavailableError>()(caught)
      caught.status satisfies 503
      break
    // @ts-expect-error: no such code
    case 'DURABLEDICT_STALLED':
      break
    default:
      expectType<string>()(caught.message)
  }
}
if (caught instanceof StoreUnavailableError) expectType<StoreUnavailableError>()(caught)

// The set of codes is closed: an exhaustive switch needs no default.
export function statusOf({ code }: AnyDurableDictError): number {
  switch (code) {
    case 'DURABLEDICT_KEY':
    case 'DURABLEDICT_INVALID_KEY':
    case 'DURABLEDICT_INVALID_VALUE':
    case 'DURABLEDICT_ENCODING':
      return 400
    case 'DURABLEDICT_CONFLICT':
      return 409
    case 'DURABLEDICT_DECODING':
    case 'DURABLEDICT_UNSUPPORTED':
    case 'DURABLEDICT_HISTORY':
    case 'DURABLEDICT_NOT_EVERYWHERE':
    case 'DURABLEDICT_CLOSED':
    case 'DURABLEDICT_AMBIGUOUS_WRITE':
      return 500
    case 'DURABLEDICT_STORE_UNAVAILABLE':
    case 'DURABLEDICT_STALE':
    case 'DURABLEDICT_SERVICE_UNAVAILABLE':
      return 503
  }
}
// @ts-expect-error: the base of the family is no error of its own
new DurableDictError('message')
void [code, wrong, key, closed]
