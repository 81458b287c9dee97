import { join } from 'node:path'
import { expect, it } from 'vitest'
import { testBundle } from '../../scripts/build/test-bundle.js'
import { builtLibrary } from '../../scripts/built-library.js'
import { root } from '../../scripts/run.js'

const { resolveId } = builtLibrary()
const here = join(root, 'test/unit/built-library.test.ts')

it('resolves what a test imports of the library to what was built', () => {
  expect(resolveId('../../src/index.js', here)).toBe(join(testBundle, 'index.js'))
  expect(resolveId('../../src/backends/sqlite/engine.js', here)).toBe(join(testBundle, 'backends/sqlite/engine.js'))
})

it('has each module once, with the same exports as the module itself', async () => {
  const [ofBundle, ofDist] = await Promise.all(
    [testBundle, join(root, 'dist')].map(async folder => ({
      all: await import(join(folder, 'index.js')),
      errors: await import(join(folder, 'errors/errors.js')),
    })),
  )
  expect(Object.keys(ofBundle?.all)).toEqual(Object.keys(ofDist?.all))
  expect(ofBundle?.errors.StaleError).toBe(ofBundle?.all.StaleError)
  expect(ofBundle?.all.StaleError.name).toBe('StaleError')
})

it('leaves other imports as they are', () => {
  expect(resolveId('vitest', here)).toBeNull()
  expect(resolveId('../servers/redis.js', here)).toBeNull()
  expect(resolveId('./memory.js', join(root, 'src/index.ts'))).toBeNull()
})

it('leaves a test its sources if it replaces or reloads modules', () => {
  for (const path of ['unit/replica/live-feed.test.ts', 'sqlite/fake-timers.test.ts'])
    expect(resolveId('../../src/index.js', join(root, 'test', path))).toBeNull()
})
