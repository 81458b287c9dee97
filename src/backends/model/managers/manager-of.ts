import { nameOf } from '../../../clients/name-of.js'
import { isPromise } from '../../../contract/is-promise.js'
import type { ModelManager } from './manager.js'
import type { Recognizer } from './recognise.js'

const METHODS = ['query', 'transaction', 'column'] as const

/**
 * The manager of a model: what a wrapping function returned, or what one of the recognizers knows as a model.
 *
 * @throws TypeError for anything else.
 */
export function managerOf(model: unknown, recognizers: readonly Recognizer[]): ModelManager {
  if (isManager(model)) return model
  for (const recognize of recognizers) {
    const manager = recognize(model)
    if (manager) return manager
  }
  throw new TypeError(
    'ModelDict takes a model: prisma.setting, a TypeORM repository or a Sequelize model as they are, or what prismaManager(), ' +
      'typeormManager(), sequelizeManager(), drizzleManager(), kyselyManager() or knexManager() makes of yours. The entry points ' +
      `of one ORM, such as durabledict/model/prisma, know its models alone. ${whatItIs(model)}`,
  )
}

function whatItIs(model: unknown): string {
  if (typeof model === 'string') return 'Got a string: the model comes first, and the name is an option, "name".'
  return isPromise(model) ? 'Got a promise: await it first.' : `Got ${nameOf(model)}.`
}

function isManager(model: unknown): model is ModelManager {
  if (typeof model !== 'object' || model === null) return false
  const members = model as Readonly<Record<string, unknown>>
  return METHODS.every(method => typeof members[method] === 'function') && typeof members.dialect === 'string'
}
