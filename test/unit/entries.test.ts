import { describe, expect, it } from 'vitest'
import { ENTRIES, specifierOf } from '../../scripts/entries.js'
import { isWritten } from '../../scripts/entries-in-package.js'
import { isTooLarge, measure } from '../../scripts/sizes.js'
import { ON_NODE } from '../runtime.js'

/** The parts of one store or one library, by their path. */
const PARTS: Readonly<Record<string, RegExp>> = {
  memory: /^backends\/memory\//,
  sqlite: /^backends\/sqlite\//,
  redis: /^backends\/redis\//,
  postgres: /^backends\/postgres\//,
  zookeeper: /^backends\/zookeeper\//,
  model: /^backends\/model\//,
  prisma: /managers\/prisma/,
  typeorm: /managers\/typeorm/,
  sequelize: /managers\/sequelize/,
  drizzle: /managers\/drizzle/,
  kysely: /managers\/kysely/,
  knex: /managers\/knex/,
}

/** Entry points that include every part, and the libraries of `model`. */
const WHOLE = ['.', './conformance']
const LIBRARIES = ['prisma', 'typeorm', 'sequelize', 'drizzle', 'kysely', 'knex']

function partsOf(path: string): string[] {
  if (path === './model') return ['model', ...LIBRARIES]
  return path.slice(2).split('/')
}

const root = measure(ENTRIES[0] as (typeof ENTRIES)[number])

describe('each entry point', () => {
  // Each runtime compresses in its own way.
  it.skipIf(!ON_NODE).each(ENTRIES.map(entry => [specifierOf(entry), entry] as const))(
    '%s stays within its size',
    async (_name, entry) => {
      const measured = await measure(entry)
      expect(isTooLarge(measured), `${measured.kib.toFixed(1)} KiB of ${entry.limit}`).toBe(false)
    },
  )

  it.each(ENTRIES.filter(({ path }) => !WHOLE.includes(path)))('$path loads only its own part', async entry => {
    const { modules } = await measure(entry)
    const own = partsOf(entry.path)
    const others = Object.entries(PARTS).filter(([part]) => !own.includes(part))
    expect(modules.filter(module => others.some(([, place]) => place.test(module)))).toEqual([])
  })

  it.each(ENTRIES.filter(({ path }) => ![...WHOLE, './model'].includes(path)))(
    '$path is less than half of the whole',
    async entry => {
      expect((await measure(entry)).kib).toBeLessThan((await root).kib / 2)
    },
  )

  it('is in package.json exactly as in the list', async () => {
    expect(await isWritten()).toBe(true)
  })
})
