import { describe, expect, test } from 'vitest'
import type { FrozenState } from '../../../src/replica/frozen-state.js'
import { Memory } from '../../../src/replica/memory.js'
import { UndoLog, type UndoLogOwner } from '../../../src/replica/undo-log.js'
import { collectGarbage } from '../../garbage.js'

function chain(length: number): { owner: UndoLogOwner; undoLog: UndoLog[] } {
  const owner: UndoLogOwner = { latest: undefined }
  const undoLog = Array.from({ length }, () => new UndoLog(owner))
  return { owner, undoLog }
}

const past = (stored: string) => ({ stored, value: undefined })

describe('UndoLog', () => {
  test('a dropped state passes its records to the previous one, which keeps its own', () => {
    const [first, second, third] = chain(3).undoLog as [UndoLog, UndoLog, UndoLog]
    first.overwritten.set('a', past('oldest'))
    second.overwritten.set('a', past('newer')).set('b', past('kept')).set('c', undefined)
    second.dissolve()
    expect(first.later).toBe(third)
    expect([...first.overwritten]).toEqual([
      ['a', past('oldest')],
      ['b', past('kept')],
      ['c', undefined],
    ])
  })

  test('several adjacent ones can be dropped in any order', () => {
    const { undoLog } = chain(4)
    const [first, second, third, fourth] = undoLog as [UndoLog, UndoLog, UndoLog, UndoLog]
    second.overwritten.set('a', past('2'))
    third.overwritten.set('a', past('3')).set('b', past('3'))
    third.dissolve()
    second.dissolve()
    expect(first.later).toBe(fourth)
    expect(first.overwritten.get('a')).toEqual(past('2'))
    expect(first.overwritten.get('b')).toEqual(past('3'))
  })

  test('the previous one records again after the latest is dropped', () => {
    const { owner, undoLog } = chain(2)
    undoLog[1]?.dissolve()
    expect(owner.latest?.deref()).toBe(undoLog[0])
    expect(undoLog[0]?.later).toBe(undefined)
  })

  test('the earliest has none to pass its log to', () => {
    const [first, second] = chain(2).undoLog as [UndoLog, UndoLog]
    first.overwritten.set('a', past('1'))
    first.dissolve()
    expect(second.overwritten.size).toBe(0)
  })
})

describe('a state held for a long time', () => {
  test('stays unchanged while many later states are held, released and collected', async () => {
    const memory = new Memory({ version: '0', entries: [['a', '0']] }, (_, stored) => ({
      value: stored,
      shareable: true,
    }))
    const held = memory.freeze()
    let version = 0
    const write = (key: string) => {
      const previous = String(version)
      version += 1
      const effects = [{ type: 'set', key, stored: String(version) }] as const
      memory.apply({ previous, version: String(version), effects })
    }
    for (let round = 0; round < 5; round += 1) {
      let fleeting: FrozenState | undefined
      for (let n = 0; n < 200; n += 1) {
        write(n % 2 ? 'a' : `b${n}`)
        fleeting = memory.freeze()
      }
      expect(fleeting?.get('a')).toBe(memory.entries.get('a'))
      fleeting = undefined
      collectGarbage()
      // Finalizers run in a separate task.
      await new Promise(resolve => setImmediate(resolve))
      expect(held.keys()).toEqual(['a'])
      expect(held.get('a')).toBe('0')
      expect(held.has('b0')).toBe(false)
    }
  })
})
