import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm'
import { createTables, ModelDict } from 'durabledict/model/typeorm'
import { Dicts, DurableDictHealth, DurableDictModule, dictToken, InjectDict } from 'durabledict/nestjs'
import libsql from 'libsql'
import { EntitySchema } from 'typeorm'
import { equal, run } from './check.js'

const Setting = new EntitySchema({
  name: 'Setting',
  columns: { key: { type: 'text', primary: true }, value: { type: 'text' } },
})

/** What TypeScript compiles decorators to. */
function decorate(target, ...decorators) {
  for (const decorator of decorators) decorator(target)
  return target
}

class Service {
  constructor(settings) {
    this.settings = settings
  }
}
InjectDict('settings')(Service, undefined, 0)

class Page {
  constructor(service) {
    this.service = service
  }
  async show(dicts) {
    await this.service.settings.set('seen', true)
    return { theme: dicts.settings.get('theme'), seen: dicts.settings.get('seen') ?? null }
  }
}
decorate(Page, Controller())
Reflect.defineMetadata('self:paramtypes', [{ index: 0, param: Service }], Page)
Dicts()(Page.prototype, 'show', 0)
Get()(Page.prototype, 'show', Object.getOwnPropertyDescriptor(Page.prototype, 'show'))

const Feature = decorate(
  class {},
  Module({ imports: [DurableDictModule.forFeature('settings')], providers: [Service], controllers: [Page] }),
)

const App = decorate(
  class {},
  Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'better-sqlite3',
        driver: libsql,
        database: 'nest.db',
        entities: [Setting],
        synchronize: true,
      }),
      DurableDictModule.forRootAsync({
        imports: [TypeOrmModule.forFeature([Setting])],
        inject: [getRepositoryToken(Setting)],
        useFactory: async repository => {
          await createTables(repository)
          return { settings: await ModelDict.open(repository, { defaults: { theme: 'light' }, timeout: 1_000 }) }
        },
        maxStaleness: 0,
      }),
      TerminusModule,
      Feature,
    ],
  }),
)

run(async () => {
  const app = await NestFactory.create(App, { logger: ['error'] })
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  const page = async () => JSON.stringify(await (await fetch(url)).json())
  equal(await page(), '{"theme":"light","seen":null}')
  equal(await page(), '{"theme":"light","seen":true}')
  const [health, dicts] = [
    app.get(HealthCheckService, { strict: false }),
    app.get(DurableDictHealth, { strict: false }),
  ]
  equal((await health.check([() => dicts.isHealthy('settings')])).details.settings.status, 'up')
  const settings = app.get(dictToken('settings'), { strict: false })
  await settings.close()
  const error = await health.check([() => dicts.isHealthy('settings')]).catch(error => error)
  equal(error.getStatus(), 503)
  equal(error.getResponse().error.settings.code, 'DURABLEDICT_CLOSED')
  await app.close()

  const again = await NestFactory.create(App, { logger: ['error'] })
  await again.init()
  const reopened = again.get(dictToken('settings'), { strict: false })
  equal(await reopened.get('seen'), true)
  await again.close()
  equal((await reopened.get('seen').catch(error => error)).code, 'DURABLEDICT_CLOSED')
})
