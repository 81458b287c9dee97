import type { ModelManager } from './manager.js'
import { isPrismaDelegate, prismaManager } from './managers/prisma.js'
import { isSequelizeModel, sequelizeManager } from './managers/sequelize.js'
import { isTypeormRepository, typeormManager } from './managers/typeorm.js'

const METHODS = ['query', 'transaction', 'column'] as const

/**
 * The manager of a model: what a wrapping function gave, or what is known as a model by itself.
 *
 * @throws TypeError for anything else.
 */
export function managerOf(model: unknown): ModelManager {
  if (isManager(model)) return model
  if (isPrismaDelegate(model)) return prismaManager(model)
  if (isTypeormRepository(model)) return typeormManager(model)
  if (isSequelizeModel(model)) return sequelizeManager(model)
  throw new TypeError(
    'ModelDict takes a model: prisma.setting, a TypeORM repository or a Sequelize model as they are, or what prismaManager(), ' +
      'typeormManager(), sequelizeManager(), drizzleManager(), kyselyManager() or knexManager() makes of yours.',
  )
}

function isManager(model: unknown): model is ModelManager {
  if (typeof model !== 'object' || model === null) return false
  const members = model as Readonly<Record<string, unknown>>
  return METHODS.every(method => typeof members[method] === 'function') && typeof members.dialect === 'string'
}
