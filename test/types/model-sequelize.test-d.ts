import {
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import { ModelDict, type ModelManager, sequelizeManager } from '../../src/index.js'

class Setting extends Model<InferAttributes<Setting>, InferCreationAttributes<Setting>> {
  declare id: CreationOptional<number>
  declare key: string
  declare value: string
  declare note: string | null
}

declare const sequelize: Sequelize
declare const defined: ModelStatic<Setting>

// A manager knows the model.
sequelizeManager(Setting) satisfies ModelManager<Setting>
sequelizeManager(defined) satisfies ModelManager<Setting>
const dict = await ModelDict.open(sequelizeManager(Setting), { returnInstances: true })
const setting = await dict.getOrThrow('theme')
setting.note satisfies string | null
await setting.reload()
// @ts-expect-error an instance has no such member
setting.missing

// So does the model itself.
const same = await ModelDict.open(Setting, { returnInstances: true, valueCol: 'value' })
;(await same.getOrThrow('theme')) satisfies Setting
await same.set('theme', { dark: true })
await same.set('theme', setting)

// Without instances, the caller names the type of values.
const typed = await ModelDict.open<{ theme: string }>(Setting)
;(await typed.getOrThrow('theme')) satisfies string

// @ts-expect-error no model
sequelizeManager(sequelize)
// @ts-expect-error an instance is no model
sequelizeManager(setting)
