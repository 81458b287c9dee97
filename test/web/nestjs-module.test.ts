import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { expect, test } from 'vitest'
import { MemoryDict } from '../../src/memory.js'
import { DurableDictHealth, DurableDictModule, dictToken, InjectDict } from '../../src/nestjs.js'

/** An application of these modules. */
async function start(...imports: unknown[]) {
  class App {}
  Module({ imports: imports as [] })(App)
  const app = await NestFactory.create(App, { logger: false, abortOnError: false })
  await app.init()
  return app
}

const opened = () => MemoryDict.open<{ theme: string }>(undefined, { defaults: { theme: 'light' } })

test('forRootAsync() opens dictionaries from injected values, and closes them with the application', async () => {
  class Store {}
  Module({ providers: [{ provide: 'THEME', useValue: 'dark' }], exports: ['THEME'] })(Store)
  const app = await start(
    DurableDictModule.forRootAsync({
      imports: [Store],
      inject: ['THEME'],
      useFactory: async (theme: string) => {
        const settings = await opened()
        await settings.set('theme', theme)
        return { settings }
      },
    }),
    DurableDictModule.forFeature('settings'),
  )
  const settings = app.get<Awaited<ReturnType<typeof opened>>>(dictToken('settings'), { strict: false })
  expect(await settings.get('theme')).toBe('dark')
  await app.close()
  await expect(settings.get('theme')).rejects.toMatchObject({ code: 'DURABLEDICT_CLOSED' })
})

test('forRoot() leaves dictionaries open when the application closes', async () => {
  const settings = await opened()
  const app = await start(DurableDictModule.forRoot({ settings }))
  expect(app.get(dictToken('settings'), { strict: false })).toBe(settings)
  await app.close()
  expect(await settings.get('theme')).toBe('light')
  await settings.close()
})

test('InjectDict() injects a dictionary into a constructor', async () => {
  const settings = await opened()
  class Service {
    readonly settings: unknown
    constructor(injected: unknown) {
      this.settings = injected
    }
  }
  InjectDict('settings')(Service, undefined as never, 0)
  class Feature {}
  Module({ imports: [DurableDictModule.forFeature('settings')], providers: [Service] })(Feature)
  const app = await start(DurableDictModule.forRoot({ settings }), Feature)
  expect(app.get(Service, { strict: false }).settings).toBe(settings)
  await app.close()
  await settings.close()
})

test('forFeature() rejects a name that the root module does not have', async () => {
  const settings = await opened()
  const starting = start(DurableDictModule.forRoot({ settings }), DurableDictModule.forFeature('flags'))
  await expect(starting).rejects.toThrow(
    'DurableDictModule.forFeature("flags"): there is no such dictionary; there are settings.',
  )
  await settings.close()
})

test('the health indicator reports whether a dictionary can be confirmed', async () => {
  const settings = await opened()
  const app = await start(DurableDictModule.forRoot({ settings }))
  const health = app.get(DurableDictHealth, { strict: false })
  expect(await health.isHealthy('settings')).toEqual({ settings: { status: 'up', staleness: expect.any(Number) } })
  await settings.close()
  expect(await health.isHealthy('settings')).toEqual({ settings: { status: 'down', code: 'DURABLEDICT_CLOSED' } })
  await expect(health.isHealthy('flags')).rejects.toThrow(TypeError)
  await app.close()
})
