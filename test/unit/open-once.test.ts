import { afterEach, describe, expect, it } from 'vitest'
import { MemoryDict, openOnce } from '../../src/index.js'

let count = 0
const opened: { close(): Promise<void> }[] = []

async function open(): Promise<MemoryDict> {
  count += 1
  const dict = await MemoryDict.open()
  opened.push(dict)
  return dict
}

afterEach(async () => {
  for (const dict of opened.splice(0)) await dict.close()
  count = 0
})

describe('openOnce()', () => {
  it('opens a dictionary once for calls that overlap and for later ones', async () => {
    const [one, two] = await Promise.all([openOnce('settings', open), openOnce('settings', open)])
    expect(two).toBe(one)
    expect(await openOnce('settings', open)).toBe(one)
    expect(count).toBe(1)
  })

  it('keeps the dictionaries of different keys apart', async () => {
    expect(await openOnce('settings', open)).not.toBe(await openOnce('flags', open))
  })

  it('opens again after the dictionary was closed', async () => {
    const one = await openOnce('settings', open)
    await one.close()
    const two = await openOnce('settings', open)
    expect(two).not.toBe(one)
    await two.set('theme', 'dark')
  })

  it('tries again after opening failed, whether it rejected or threw', async () => {
    const failure = new Error('The store is down.')
    await expect(openOnce('settings', () => Promise.reject(failure))).rejects.toBe(failure)
    const fails = () => {
      throw failure
    }
    await expect(openOnce('settings', fails)).rejects.toBe(failure)
    expect(await openOnce('settings', open)).toBeInstanceOf(MemoryDict)
  })

  it('replaces the dictionary when what it depends on has changed, and closes the previous one', async () => {
    const one = await openOnce('settings', open, { dependsOn: { theme: 'light' } })
    expect(await openOnce('settings', open, { dependsOn: { theme: 'light' } })).toBe(one)
    const two = await openOnce('settings', open, { dependsOn: { theme: 'dark' } })
    expect(two).not.toBe(one)
    await expect(one.get('theme')).rejects.toMatchObject({ code: 'DURABLEDICT_CLOSED' })
    await two.set('theme', 'dark')
  })

  it('keeps the previous dictionary if its replacement cannot be opened', async () => {
    const one = await openOnce('settings', open, { dependsOn: 1 })
    await expect(openOnce('settings', () => Promise.reject(new Error('down')), { dependsOn: 2 })).rejects.toThrow(
      'down',
    )
    expect(await openOnce('settings', open, { dependsOn: 1 })).toBe(one)
    await one.set('theme', 'dark')
  })

  it('rejects if its argument is not a function', async () => {
    await expect(openOnce('settings', undefined as never)).rejects.toThrow(
      'openOnce() takes a string key and a function that opens a dictionary.',
    )
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
  ])('rejects if the function returns %s, and opens at the next call', async (_, returned) => {
    await expect(openOnce('settings', async () => returned as never)).rejects.toThrow(
      'The function passed to openOnce() must return the dictionary that it opens',
    )
    expect(await openOnce('settings', open)).toBeInstanceOf(MemoryDict)
  })

  it('keeps the previous dictionary if the replacement is not a dictionary', async () => {
    const one = await openOnce('settings', open, { dependsOn: 1 })
    await expect(openOnce('settings', async () => undefined as never, { dependsOn: 2 })).rejects.toThrow(TypeError)
    expect(await openOnce('settings', open, { dependsOn: 1 })).toBe(one)
    await one.set('theme', 'dark')
  })
})
