import type { ModelManager } from './manager.js'
import { isPrismaDelegate, prismaManager } from './prisma/prisma-manager.js'
import { isSequelizeModel, sequelizeManager } from './sequelize/sequelize-manager.js'
import { isTypeormRepository, typeormManager } from './typeorm/typeorm-manager.js'

/** The manager of a model that an ORM's users pass as it is, or nothing when it is not one of that ORM. */
export type Recognizer = (model: unknown) => ModelManager | undefined

export const recognizePrisma: Recognizer = model => (isPrismaDelegate(model) ? prismaManager(model) : undefined)
export const recognizeTypeorm: Recognizer = model => (isTypeormRepository(model) ? typeormManager(model) : undefined)
export const recognizeSequelize: Recognizer = model => (isSequelizeModel(model) ? sequelizeManager(model) : undefined)
