import { describe, expect, test } from 'vitest'
import { proseOfPage, proseOfProgram } from '../../scripts/prose/extract.js'
import { judge } from '../../scripts/prose/judge.js'
import { LONGEST, RULES } from '../../scripts/prose/rules.js'

const findings = (text: string) => judge(text).map(({ words }) => words)

const inPage = (page: string) => proseOfPage(page).flatMap(({ text }) => findings(text))

const inProgram = (source: string, path = 'src/a.ts') =>
  proseOfProgram(path, source).flatMap(({ text }) => findings(text))

describe('each rule', () => {
  test.each(RULES.map(rule => [rule.bad, rule.good, rule] as const))(
    'reports "%s", not "%s"',
    (bad, good, { write }) => {
      expect(judge(bad).map(finding => finding.write)).toContain(write)
      expect(judge(good)).toEqual([])
    },
  )

  test('matches words across the end of a line', () => {
    expect(findings('It is inside\nof a transaction.')).toEqual(['inside\nof'])
  })
})

describe('a sentence', () => {
  const words = (count: number) => `${Array(count).fill('word').join(' ')}.`

  test(`of ${LONGEST} words passes`, () => {
    expect(findings(`${words(LONGEST)} ${words(LONGEST)}`)).toEqual([])
  })

  test('with one word more is reported', () => {
    expect(judge(words(LONGEST + 1))[0]?.write).toBe(`shorter sentences (${LONGEST + 1} words)`)
  })
})

describe('a page', () => {
  test('is checked in its headings, paragraphs, lists and cells', () => {
    expect(inPage('# told 1\n\nA b\ntold 2\n\n- told 3\n\n| a | told 4 |\n')).toEqual(['told', 'told', 'told', 'told'])
  })

  test('is not checked in its code', () => {
    expect(inPage('Call `told`.\n\n```ts\nconst told = anew\n```\n\n    npm run told\n')).toEqual([])
  })

  test('is checked in the comments of its code', () => {
    expect(inPage('```ts\nconst a = 1 // It is loaded anew.\n```\n')).toEqual(['anew'])
  })

  test('keeps the position of each finding', () => {
    const page = 'One `x`.\n\n```ts\nlet a\n```\n\nIt is [told](https://a.b/c) now.\n'
    const [found] = proseOfPage(page).flatMap(({ text, at }) => judge(text).map(({ index }) => at + index))
    expect(found).toBe(page.indexOf('told'))
  })
})

describe('a program', () => {
  test('is checked in its comments', () => {
    expect(inProgram('/**\n * It is\n * told.\n * @param {{ told: 1 }} a - anew\n */\n// inside\n// of it\n')).toEqual([
      'told',
      'anew',
      'inside\n   of',
    ])
  })

  test('is checked in its messages', () => {
    const source = 'throw new Error("The listener was told.")\nwarn(`All ' + '$' + '{n} of them were told.`)\n'
    expect(inProgram(source)).toEqual(['told', 'told'])
  })

  test('is not checked in names, keys and SQL', () => {
    expect(inProgram('const told = { told: "told" }\nrun("SELECT told FROM told WHERE it is told")\n')).toEqual([])
  })

  test('is not checked in the examples of its comments', () => {
    expect(inProgram('/**\n * Fine.\n * @example\n * ```ts\n * const told = 1\n * ```\n */\n')).toEqual([])
  })

  test('of tests is checked in its titles', () => {
    const source = 'test("a listener is told", () => { run("what is told") })\nit.each([1])("is told again", f)\n'
    expect(inProgram(source, 'test/a.test.ts')).toEqual(['told', 'told'])
  })
})
