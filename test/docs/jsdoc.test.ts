import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as library from '../../src/index.js'

const source = new URL('../../src/', import.meta.url)
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const texts = files.map(file => readFileSync(new URL(file, source), 'utf8'))

/** The comments directly before each match of the pattern, by its first group. */
function commentsOf(pattern: string): [name: string, comment: string][] {
  const before = new RegExp(`((?:/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\s*)?)^[ \\t]*${pattern}`, 'gm')
  return texts.flatMap(text =>
    Array.from(text.matchAll(before), ([, comment, name]) => [name ?? '', comment ?? ''] as [string, string]),
  )
}

/** The members of the option interfaces of users. */
function options(): [name: string, comment: string][] {
  const names =
    'Common|Dict|Typed|Defaults|Schema|Write|Attribution|History|HistoryPolicy|Revert|Transact|Watch|Derive|Store|Redis|Postgres|Sqlite|Zookeeper|Model|OpenOnce|FreshPerRequest|VersionCache|RichEncoding|\\w+Manager'
  const interfaces = texts.flatMap(text => [
    ...text.matchAll(new RegExp(`^export interface (${names})Options\\b[\\s\\S]*?^}`, 'gm')),
  ])
  return interfaces.flatMap(([body, owner]) =>
    [...body.matchAll(/((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?)^ {2}(?:readonly )?(\w+)\??: (?!undefined)/gm)].map(
      ([, comment, name]) => [`${owner}Options.${name}`, comment ?? ''] as [string, string],
    ),
  )
}

describe('JSDoc', () => {
  // The examples of openDict are at its overloads.
  const functions = Object.entries(library)
    .filter(([name, value]) => typeof value === 'function' && name !== 'openDict')
    .map(([name]) => name)

  test.each(functions)('%s has an example', name => {
    const found = commentsOf(`export (?:abstract class|class|const|(?:async )?function) (${name})\\b`)
    expect(found.length).toBeGreaterThan(0)
    expect(
      found.some(([, comment]) => comment.includes('@example')),
      name,
    ).toBe(true)
  })

  test('every option has an example', () => {
    const found = options()
    expect(found.length).toBeGreaterThan(40)
    expect(found.filter(([, comment]) => !comment.includes('@example')).map(([name]) => name)).toEqual([])
  })

  test('every overload of every open() documents its parameters and has an example', () => {
    const interfaces = texts.flatMap(text => [
      ...text.matchAll(/^(?:export )?interface (Open\w*Dict|OpenOnBackend) \{\n[\s\S]*?^}/gm),
    ])
    expect(interfaces.length).toBeGreaterThanOrEqual(7)
    for (const [body, name] of interfaces) {
      const forms = [...body.matchAll(/((?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?)^ {2}</gm)]
      expect(forms.length, name).toBeGreaterThanOrEqual(5)
      for (const [, comment] of forms) {
        expect(comment, name).toContain('@param options')
        expect(comment, name).toContain('@example')
      }
    }
  })
})
