import type { EvaluationContext, FlagValue, Logger, ResolutionDetails } from '@openfeature/server-sdk'
import { defaultOf, optionalPackage } from '../packages/optional-package.js'
import type { FlagType } from './definition.js'

/** The engine of flagd, as far as it is used. */
interface Engine {
  setConfigurations(configuration: string): unknown
  resolve(
    type: FlagType,
    key: string,
    defaultValue: never,
    context: EvaluationContext,
    logger: Logger,
  ): ResolutionDetails<FlagValue>
}

/** The package `@openfeature/flagd-core`. */
export interface FlagdPackage {
  readonly FlagdCore: new () => Engine
}

/** What an application asks about one flag. */
export interface Question {
  readonly type: FlagType
  readonly key: string
  readonly defaultValue: FlagValue
  readonly context: EvaluationContext
  readonly logger: Logger
}

const PACKAGE = '@openfeature/flagd-core'

/** Evaluates flag definitions with flagd's own engine, which is loaded when the first definition is evaluated. */
export class Flagd {
  readonly #given: FlagdPackage | undefined
  #loading: Promise<FlagdPackage> | undefined
  /** The engine of each definition. Definitions are frozen and shared, so that each is parsed once. */
  readonly #engines = new WeakMap<
    object,
    { readonly key: string; readonly evaluators: unknown; readonly engine: Engine }
  >()

  /** @param given - the package, for bundled programs. Default: the installed one. */
  constructor(given: FlagdPackage | undefined) {
    this.#given = given
  }

  /** @throws ParseError if the definition is not valid. */
  async evaluate(
    definition: object,
    evaluators: unknown,
    { type, key, defaultValue, context, logger }: Question,
  ): Promise<ResolutionDetails<FlagValue>> {
    const engine = this.#engineOf(await this.#load(), definition, evaluators, key)
    return engine.resolve(type, key, defaultValue as never, context, logger)
  }

  #engineOf({ FlagdCore }: FlagdPackage, definition: object, evaluators: unknown, key: string): Engine {
    const known = this.#engines.get(definition)
    if (known?.key === key && known.evaluators === evaluators) return known.engine
    const engine = new FlagdCore()
    engine.setConfigurations(JSON.stringify({ flags: { [key]: definition }, $evaluators: evaluators }))
    this.#engines.set(definition, { key, evaluators, engine })
    return engine
  }

  #load(): Promise<FlagdPackage> {
    this.#loading ??= this.#given ? Promise.resolve(this.#given) : installed()
    return this.#loading
  }
}

async function installed(): Promise<FlagdPackage> {
  const found = await optionalPackage<FlagdPackage | { readonly default: FlagdPackage }>(PACKAGE)
  if (found) return 'FlagdCore' in found ? found : defaultOf(found)
  throw new Error(`A flag definition in the format of flagd needs the package ${PACKAGE}: npm install ${PACKAGE}`)
}
