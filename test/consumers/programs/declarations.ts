// Compiled with checks of the declarations themselves.
import { MemoryDict } from 'durabledict'
import 'durabledict/conformance'
import 'durabledict/express'
import 'durabledict/fastify'
import 'durabledict/koa'
import 'durabledict/memory'
import 'durabledict/model'
import 'durabledict/model/drizzle'
import 'durabledict/model/kysely'
import 'durabledict/model/knex'
import 'durabledict/model/prisma'
import 'durabledict/model/sequelize'
import 'durabledict/model/typeorm'
import 'durabledict/redis'
import 'durabledict/sqlite'
import 'durabledict/zookeeper'

export async function iterate(): Promise<void> {
  const dict = await MemoryDict.open<{ theme: string }>()
  for (const key of dict.local.keys()) key satisfies 'theme'
  for (const [key, value] of await dict.snapshot()) [key, value] satisfies ['theme', string]
}
