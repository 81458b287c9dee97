import {
  ErrorCode,
  type EvaluationContext,
  type FlagMetadata,
  type FlagValue,
  type Logger,
  StandardResolutionReasons as Reasons,
  type ResolutionDetails,
} from '@openfeature/server-sdk'
import type { Awaitable } from '../contract/backend.js'
import type { DurableDict } from '../dictionary/durable-dict.js'
import type { Snapshot } from '../dictionary/views.js'
import { ClosedError, DecodingError, InvalidKeyError } from '../errors/errors.js'
import { EVALUATORS, isDefinition, typeOf } from './definition.js'
import type { Flagd, Question } from './flagd.js'

/** What `evaluate` decides about a flag. */
export interface Evaluated {
  readonly value: FlagValue
  readonly variant?: string | undefined
  /** Default `'TARGETING_MATCH'`. */
  readonly reason?: string | undefined
  readonly flagMetadata?: FlagMetadata | undefined
}

/** What `evaluate` gets besides the stored value and the context. */
export interface EvaluatedFlag {
  readonly key: string
  /** The value that the application falls back to. */
  readonly defaultValue: FlagValue
  /** The state in which the flag is evaluated: the same one for all flags of a request. */
  readonly state: Snapshot
  readonly logger: Logger
}

/** Decides about a flag; `undefined` leaves it as it is. */
export type Evaluate = (
  stored: unknown,
  context: EvaluationContext,
  flag: EvaluatedFlag,
) => Awaitable<Evaluated | undefined>

type Details = ResolutionDetails<FlagValue>

/** Reasons that say less than that the value may be out of date. */
const REPLACED_BY_STALE: ReadonlySet<unknown> = new Set([Reasons.STATIC, Reasons.DEFAULT, Reasons.TARGETING_MATCH])

/** Evaluates flags in the state that the dictionary holds for the caller. Never rejects: errors are part of the result. */
export class Resolver {
  readonly #dict: DurableDict
  readonly #evaluate: Evaluate | undefined
  readonly #flagd: Flagd

  constructor(dict: DurableDict, evaluate: Evaluate | undefined, flagd: Flagd) {
    this.#dict = dict
    this.#evaluate = evaluate
    this.#flagd = flagd
  }

  async resolve(question: Question): Promise<Details> {
    try {
      // Both before the first wait: the state of the request, and whether it may be out of date.
      const state = this.#dict.current()
      const isStale = this.#dict.health().status !== 'ok'
      const details = await this.#resolveIn(state, question)
      return this.#completed(details, state, isStale)
    } catch (error) {
      return failed(question, codeOf(error), error instanceof Error ? error.message : String(error))
    }
  }

  async #resolveIn(state: Snapshot, question: Question): Promise<Details> {
    const { key, context, defaultValue, logger } = question
    const value = key === EVALUATORS ? undefined : read(state, key)
    if (value === undefined) return this.#missing(question)
    const evaluated = await this.#evaluate?.(value, context, { key, defaultValue, state, logger })
    if (evaluated !== undefined) return checked(question, evaluatedOf(evaluated))
    // The engine checks the type itself.
    if (isDefinition(value)) return this.#flagd.evaluate(value, read(state, EVALUATORS), question)
    return checked(question, { value: value as FlagValue, reason: state.has(key) ? Reasons.STATIC : Reasons.DEFAULT })
  }

  #missing(question: Question): Details {
    const message = `flag ${question.key} not found: dictionary "${this.#dict.name}" has neither a value nor a default for it`
    return failed(question, ErrorCode.FLAG_NOT_FOUND, message)
  }

  /** Adds where the value comes from, and whether it may be out of date. */
  #completed(details: Details, state: Snapshot, isStale: boolean): Details {
    return {
      ...details,
      ...(isStale && REPLACED_BY_STALE.has(details.reason) && { reason: Reasons.STALE }),
      flagMetadata: { ...details.flagMetadata, flagSetId: this.#dict.name, version: String(state.version) },
    }
  }
}

function read(state: Snapshot, key: string): unknown {
  try {
    return state.get(key)
  } catch (error) {
    // A key that no dictionary accepts is stored in none.
    if (error instanceof InvalidKeyError) return undefined
    throw error
  }
}

function evaluatedOf(evaluated: unknown): Details {
  if (typeof evaluated !== 'object' || evaluated === null || !('value' in evaluated))
    throw new TypeError(
      'evaluate() must return an object with the value of the flag, or undefined to leave it as it is.',
    )
  const { reason, ...details } = evaluated as Details
  return { ...details, reason: reason ?? Reasons.TARGETING_MATCH }
}

/** Replaces a value of another type by an error, which does not contain the value. */
function checked(question: Question, details: Details): Details {
  const found = typeOf(details.value)
  if (found === question.type) return details
  return failed(question, ErrorCode.TYPE_MISMATCH, `flag ${question.key} is ${found}, not ${question.type}`)
}

function failed({ defaultValue }: Question, errorCode: ErrorCode, errorMessage: string): Details {
  return { value: defaultValue, reason: Reasons.ERROR, errorCode, errorMessage }
}

const CODES: ReadonlySet<unknown> = new Set(Object.values(ErrorCode))

function codeOf(error: unknown): ErrorCode {
  if (error instanceof DecodingError) return ErrorCode.PARSE_ERROR
  if (error instanceof ClosedError) return ErrorCode.PROVIDER_NOT_READY
  const code = (error as { readonly code?: unknown } | null)?.code
  return CODES.has(code) ? (code as ErrorCode) : ErrorCode.GENERAL
}
