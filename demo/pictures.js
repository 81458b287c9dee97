// @ts-check
// npm run demo:pictures: takes the pictures of the console in docs/images, in Chromium.
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { prepare } from '../scripts/prepare.js'
import { root } from '../scripts/run.js'
import { findChromium } from '../test/servers/chromium.js'

/** @import { Page } from 'playwright-core' */

await prepare()
const { openScene } = await import('./console-scene.js')
const scene = await openScene()
const browser = await chromium.launch({ executablePath: await findChromium(), args: ['--no-sandbox'] })
const page = await browser.newPage({ viewport: { width: 1000, height: 860 } })

/** @param {string} name @param {string} hash @param {(page: Page) => Promise<unknown>} arrange */
async function take(name, hash, arrange) {
  await page.goto(new URL(hash, scene.url.replace(/\?.*/, '')).href)
  await arrange(page)
  await page.screenshot({ path: join(root, 'docs', 'images', `console-${name}.png`) })
}

await page.goto(scene.url)
await take('key', '#/key/limits', async () => {
  await page.getByLabel('perMinute').fill('60')
  await page.getByLabel('Reason').fill('the incident is over')
  await page.getByText('New', { exact: true }).waitFor()
  await page.locator('.editor').evaluate(editor => editor.scrollTo(0, 0))
})
await page.setViewportSize({ width: 1000, height: 560 })
await take('history', '#/history', () => page.locator('.commit').nth(2).waitFor())
await take('replicas', '#/replicas', () => page.getByRole('row', { name: /worker/ }).waitFor())
await page.emulateMedia({ colorScheme: 'dark' })
await page.setViewportSize({ width: 360, height: 640 })
await take('phone', '#/', () => page.getByText('9 keys').waitFor())
await browser.close()
await scene.close()
