import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { serveConsole } from '../../src/console/standalone.js'
import { temporaryFolder } from '../cli/support.js'
import { MASKED, Site } from './site.js'

let site: Site
let page: Page
let faults: string[]

beforeAll(async () => {
  site = await Site.open()
  const opened = await site.page()
  page = opened.page
  faults = opened.faults
})

afterAll(() => site?.close())

beforeEach(() => {
  faults.length = 0
})

/** Opens a view of a console, and waits until it is connected. */
async function show(name: string, hash = '', on = page): Promise<void> {
  await on.goto('about:blank')
  await on.goto(site.url(name) + hash)
  await on
    .getByText(/^\d+ keys$|^History|^Replicas/)
    .first()
    .waitFor({ state: 'attached' })
}

const outcome = () => page.locator('.outcome')
const value = () => page.getByLabel('Value', { exact: true })
const save = () => page.getByRole('button', { name: 'Save' })

async function saved(text: RegExp | string = 'Stored.'): Promise<void> {
  await save().click()
  await outcome().getByText(text).waitFor()
}

describe.each(['sqlite', 'redis'] as const)('in Chromium, on %s', store => {
  test('edits by switch, choice, number and object, with the old and the new value', async () => {
    const dict = site.dictionaries[store]
    await show(store, '#/key/payments')
    await page.getByRole('switch', { name: 'Value' }).click()
    await expect.poll(() => page.locator('.side pre').allTextContents()).toEqual(['false'])
    await page.getByLabel('Reason').fill('incident 4711')
    await saved()
    expect(await dict.get('payments')).toBe(false)
    const [commit] = await dict.history({ limit: 1 }).toArray()
    expect(commit).toMatchObject({ by: 'ada@example.com', reason: 'incident 4711', via: 'console' })
    await page.getByRole('link', { name: /^level/ }).click()
    await value().selectOption('high')
    await saved()
    await page.getByRole('link', { name: /^limits/ }).click()
    await page.getByLabel('perMinute').fill('-1')
    await expect.poll(() => save().isDisabled()).toBe(true)
    await page.getByLabel('perMinute').fill('7')
    await page.getByRole('button', { name: 'Set note' }).click()
    await page.getByRole('textbox', { name: 'note' }).fill('half')
    await page.getByLabel('hosts').fill('["a", ')
    await page.getByText('Line 1, column 7').first().waitFor()
    await expect.poll(() => save().isDisabled()).toBe(true)
    await page.getByLabel('hosts').fill('["a"]')
    await saved()
    expect(await dict.get('level')).toBe('high')
    expect(await dict.get('limits')).toEqual({ perMinute: 7, note: 'half', hosts: ['a'] })
    expect(faults).toEqual([])
  })

  test('follows a change of another process, in the list and in an open key', async () => {
    await show(store, '#/key/note')
    await site.elsewhere(store, 'note', 'from afar')
    await page.locator('.rows').getByText('"from afar"').waitFor()
    await expect.poll(() => value().inputValue()).toBe('from afar')
  })

  test('shows both versions when two people edit the same key, and overwrites only on demand', async () => {
    const dict = site.dictionaries[store]
    await show(store, '#/key/note')
    await value().fill('mine')
    await site.elsewhere(store, 'note', 'theirs', 'bob')
    await page.getByRole('heading', { name: 'Two versions: bob changed this key' }).waitFor()
    await expect.poll(() => page.locator('.conflict pre').allTextContents()).toEqual(['"theirs"\n', '"mine"\n'])
    await expect.poll(() => save().isDisabled()).toBe(true)
    expect(await dict.get('note')).toBe('theirs')
    await page.getByRole('button', { name: 'Go on with mine' }).click()
    await saved()
    expect(await dict.get('note')).toBe('mine')
  })

  test('waits until every process has a change, resets to the default, and says what it is', async () => {
    const dict = site.dictionaries[store]
    await show(store, '#/key/perPage')
    await value().fill('50')
    await page.getByLabel('Everywhere').check()
    await saved('Stored, and every process has it.')
    expect(await dict.get('perPage')).toBe(50)
    await page.getByText('The default is 20').waitFor()
    await page.getByRole('button', { name: 'Reset to default' }).click()
    await outcome().getByText('Stored.').waitFor()
    expect(await dict.has('perPage')).toBe(false)
  })

  test('shows the history with differences, and reverts with one click', async () => {
    const dict = site.dictionaries[store]
    await dict.set('rules', { a: 1, b: 2 }, { by: 'eve', reason: 'typo' })
    await dict.set('rules', { a: 1, b: 3 }, { by: 'eve', reason: 'another typo' })
    await show(store, '#/history/rules')
    const commit = page.locator('.commit').first()
    await commit.getByText('another typo').waitFor()
    await expect.poll(() => commit.locator('del').allTextContents()).toEqual(['  "b": 2\n'])
    await expect.poll(() => commit.locator('ins').allTextContents()).toEqual(['  "b": 3\n'])
    await commit.getByRole('button', { name: /^Revert/ }).click()
    await page.getByText('Reverted: the old values are stored again.').waitFor()
    expect(await dict.get('rules')).toEqual({ a: 1, b: 2 })
    const typo = page.locator('.commit').filter({ hasText: 'another typo' })
    await typo.getByRole('button', { name: /^Revert/ }).click()
    await typo.getByRole('alert').getByText('later commits changed "rules"').waitFor()
    await dict.set('rules', { a: 2 })
    await page.locator('.commit').nth(3).waitFor()
    await page.getByRole('button', { name: 'Overwrite anyway' }).click()
    await page.getByText('Reverted: the old values are stored again.').waitFor()
    expect(await dict.get('rules')).toEqual({ a: 1, b: 2 })
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('lists the replicas with their versions', async () => {
    await show(store, '#/replicas')
    await page.getByRole('row', { name: /web \(/ }).waitFor()
    await page.getByRole('row', { name: /admin \(/ }).waitFor()
  })
})

test('says that the connection is lost, sends nothing twice, and reads everything again', async () => {
  const dict = site.dictionaries.sqlite
  await dict.set('note', 'before')
  await show('sqlite', '#/key/note')
  const before = site.changes
  site.goDown()
  await page.getByRole('alert').getByText('The connection to the server is lost').waitFor()
  await value().fill('after')
  await saved(/it is not known whether your change was stored/)
  await site.elsewhere('sqlite', 'level', 'middle')
  site.network = 'up'
  await outcome().getByText('your change is not stored. Nothing was sent again').waitFor()
  await page.locator('.rows').getByText('"middle"').waitFor()
  expect([await dict.get('note'), site.changes]).toEqual(['before', before])
  await expect.poll(() => page.getByRole('alert').isVisible()).toBe(false)
  await saved()
  expect([await dict.get('note'), site.changes]).toEqual(['after', before + 1])
})

test('finds out that a change was stored although its answer was lost', async () => {
  const dict = site.dictionaries.sqlite
  await show('sqlite', '#/key/note')
  const [before, commits] = [site.changes, (await dict.history({ key: 'note' }).toArray()).length]
  await value().fill('lost')
  site.network = 'lose'
  await saved(/it is not known whether your change was stored/)
  site.network = 'up'
  await outcome().getByText('your change is stored').waitFor()
  expect(await dict.get('note')).toBe('lost')
  expect([site.changes, (await dict.history({ key: 'note' }).toArray()).length]).toEqual([before + 1, commits + 1])
})

test('keeps what was typed while another key is open, and shows both versions if it was changed meanwhile', async () => {
  const dict = site.dictionaries.sqlite
  await dict.set('note', 'before')
  await show('sqlite', '#/key/note')
  await value().fill('typed')
  await page.keyboard.press('Escape')
  await page.locator('.editor').waitFor({ state: 'detached' })
  await site.elsewhere('sqlite', 'note', 'other')
  await page.locator('.rows').getByText('"other"').waitFor()
  await page.locator('.rows').getByRole('link', { name: /^note/ }).click()
  await page.getByRole('heading', { name: 'Two versions: bob changed this key' }).waitFor()
  expect(await value().inputValue()).toBe('typed')
  await page.getByRole('button', { name: 'Go on with mine' }).click()
  await saved()
  expect(await dict.get('note')).toBe('typed')
})

test('a change of another key leaves a typed value of a masked key alone', async () => {
  const dict = site.dictionaries.sqlite
  await dict.set('apiToken', MASKED)
  await show('sqlite', '#/key/apiToken')
  await page.getByLabel('Value as JSON').fill('"typed"')
  const answer = page.waitForResponse(response => response.url().includes('api/key?'))
  await site.elsewhere('sqlite', 'note', 'another key')
  await answer
  await page.locator('.rows').getByText('"another key"').waitFor()
  expect(await page.locator('.conflict').count()).toBe(0)
  await saved()
  expect(await dict.get('apiToken')).toBe('typed')
})

test('a hidden page keeps no connection, and reads everything again when it is shown', async () => {
  await show('sqlite')
  await expect.poll(() => site.streams).toBe(1)
  const hide = (isHidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} })
      document.dispatchEvent(new Event('visibilitychange'))`)
  await hide(true)
  await expect.poll(() => site.streams).toBe(0)
  await site.elsewhere('sqlite', 'note', 'while hidden')
  await hide(false)
  await page.locator('.rows').getByText('"while hidden"').waitFor()
  expect(await page.getByRole('alert').isVisible()).toBe(false)
})

test('says that a dictionary has no keys yet, and that none matches', async () => {
  await site.dictionaries.many.clear()
  await show('many')
  await page.getByText('There are no keys yet.').waitFor()
  await site.dictionaries.many.set('only', 1)
  await page.getByText('1 key', { exact: true }).waitFor()
  await page.getByRole('searchbox').fill('nothing')
  await page.getByText('None of 1 key').waitFor()
  await site.dictionaries.many.clear()
})

test('a masked value never reaches the browser, and can be replaced', async () => {
  const dict = site.dictionaries.sqlite
  await dict.set('apiToken', MASKED)
  const bodies: Promise<string>[] = []
  const collect = (response: { text(): Promise<string>; url(): string }) => {
    if (!response.url().endsWith('events')) bodies.push(response.text().catch(() => ''))
  }
  page.on('response', collect)
  await show('sqlite', '#/history')
  await show('sqlite', '#/key/apiToken')
  await page.getByLabel('Value as JSON').fill('"new"')
  await saved()
  expect(await dict.get('apiToken')).toBe('new')
  await page.getByText('The default is masked.').waitFor()
  await page.getByRole('button', { name: 'Reset to default' }).click()
  await expect.poll(() => dict.has('apiToken')).toBe(false)
  page.off('response', collect)
  expect((await Promise.all(bodies)).join()).not.toContain(MASKED)
  expect(await page.content()).not.toContain(MASKED)
})

test('markup in keys, values, authors and reasons stays text, and nothing violates the policy', async () => {
  const dict = site.dictionaries.many
  const markups = [
    `<img src=x onerror="alert('xss')">`,
    `"><script>alert('xss')</script>`,
    `' onfocus=alert(1) autofocus='`,
    'javascript:alert(1)',
    '#/../x',
    '__proto__',
  ]
  for (const markup of markups) await dict.set(markup, { [markup]: markup }, { by: markup, reason: markup })
  await show('many')
  for (const markup of markups) {
    await page.getByRole('searchbox').fill(markup.slice(0, 12))
    await page.locator('.rows a').filter({ hasText: markup }).first().click()
    await page.getByRole('heading', { name: markup, exact: true }).waitFor()
    await page.getByText('History of this key').waitFor()
  }
  await show('many', '#/history')
  await page
    .locator('.commit')
    .nth(markups.length - 1)
    .waitFor()
  expect(await page.locator('main img, main script, main [onfocus], a[href^="javascript"]').count()).toBe(0)
  expect(faults).toEqual([])
  await dict.clear()
})

test('shows 10,000 keys with few elements, and folds a value of 1 MB', async () => {
  const dict = site.dictionaries.many
  await dict.update(Object.fromEntries(Array.from({ length: 9_999 }, (_, index) => [`key ${index}`, index])))
  await dict.set('large', 'x'.repeat(1_000_000))
  await show('many')
  await page.getByText('10000 keys').waitFor()
  expect(await page.locator('.rows li').count()).toBeLessThan(60)
  await page.locator('.rows').evaluate(rows => rows.scrollTo(0, 250_000))
  await page.locator('.rows').getByText('key 5', { exact: false }).first().waitFor()
  await page.getByRole('searchbox').fill('4999')
  await page.getByText('1 of 10000 keys').waitFor()
  await page.getByRole('searchbox').fill('large')
  await page.locator('.rows').getByRole('link').first().click()
  await page.getByRole('button', { name: 'Show and edit all 1.0 MB' }).waitFor()
  expect((await page.locator('.editor').innerText()).length).toBeLessThan(5_000)
  await page.getByRole('button', { name: 'Show and edit all 1.0 MB' }).click()
  await page.getByLabel('Value as JSON').fill('"small"')
  await saved()
  expect(await dict.get('large')).toBe('small')
})

test('filters what was changed, differs from its default, or does not fit its schema', async () => {
  const dict = site.dictionaries.sqlite
  await site.elsewhere('sqlite', 'level', 'none')
  await dict.set('note', 'differs')
  await show('sqlite')
  const keys = () => page.locator('.rows .key').allTextContents()
  await page.getByRole('button', { name: 'Does not fit the schema' }).click()
  await expect.poll(keys).toEqual(['level'])
  await page.getByRole('button', { name: 'Differs from default' }).click()
  await expect.poll(keys).toContain('note')
  await page.getByRole('button', { name: 'Changed today' }).click()
  await expect.poll(keys).not.toContain('rules2')
  await dict.delete('level')
})

test('can be used with the keyboard alone', async () => {
  const dict = site.dictionaries.sqlite
  await show('sqlite')
  await page.keyboard.press('/')
  await page.keyboard.type('perpage')
  await page.getByText(/^1 of \d+ keys/).waitFor()
  for (const name of ['All', 'Changed today', 'Differs from default', 'Does not fit the schema']) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe(name)
  }
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'perPage' }).waitFor()
  await value().focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('33')
  await page.getByLabel('Reason').focus()
  await page.keyboard.press('Enter')
  await outcome().getByText('Stored.').waitFor()
  expect(await dict.get('perPage')).toBe(33)
  await page.keyboard.press('Escape')
  await page.locator('.editor').waitFor({ state: 'detached' })
})

test('a read-only console offers no change', async () => {
  await show('read', '#/key/note')
  await page.getByText('You can see this key, but not change it.').waitFor()
  expect(await page.getByRole('button', { name: /Save|Add|Reset/ }).count()).toBe(0)
  await show('read', '#/history')
  await page.locator('.commit').first().waitFor()
  expect(await page.getByRole('button', { name: /Revert/ }).count()).toBe(0)
})

test.each(['light', 'dark'] as const)(
  'axe finds nothing serious in any view, on the width of a phone: %s',
  async colorScheme => {
    const opened = await site.page({ colorScheme, viewport: { width: 360, height: 640 }, bypassCSP: true })
    for (const [hash, ready] of [
      ['', '.rows a'],
      ['#/key/limits', 'fieldset'],
      ['#/key/rules', '#text'],
      ['#/history', '.commit'],
      ['#/replicas', 'td'],
    ] as const) {
      await show('sqlite', hash, opened.page)
      await opened.page.locator(ready).first().waitFor()
      await opened.page.addScriptTag({ content: axe.source })
      const violations = await opened.page.evaluate(seriousViolations, colorScheme === 'dark' ? ['color-contrast'] : [])
      expect([hash, violations]).toEqual([hash, []])
      const width = await opened.page.evaluate('document.documentElement.scrollWidth')
      expect([hash, width]).toEqual([hash, 360])
    }
    await opened.page.close()
  },
)

/** Runs in the page. @param rules - default: all. */
async function seriousViolations(rules: string[]): Promise<string[]> {
  const { axe } = globalThis as unknown as {
    axe: { run(options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> }
  }
  const { violations } = await axe.run(rules.length > 0 ? { runOnly: rules } : {})
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return serious.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

test('a console with a server of its own lets the browser in, also from a file, and keeps no token in the address', async () => {
  const standalone = await serveConsole(site.dictionaries.many, { user: 'ada@desk' })
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'open.html')
  await writeFile(file, `<meta http-equiv="refresh" content="0;url=${standalone.url}">`)
  const opened = await site.page()
  await opened.page.goto(pathToFileURL(file).href)
  await opened.page.getByText('ada@desk').waitFor()
  expect(opened.page.url()).toBe(standalone.address)
  await opened.page.reload()
  await opened.page.getByText('ada@desk').waitFor()
  await opened.page.close()
  await standalone.close()
})
