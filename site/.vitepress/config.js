// @ts-check
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import llms from 'vitepress-plugin-llms'
import { REPOSITORY } from '../../scripts/addresses.js'
import { pages } from '../pages.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const { description } = JSON.parse(readFileSync(join(here, '../../package.json'), 'utf8'))

/** A sidebar entry, with the title that the list of pages gives it. @param {[string, string]} page */
const link = ([text, path]) => ({ text, link: `/${path}` })

export default defineConfig({
  title: 'durabledict',
  description,
  srcDir: '.build/pages',
  outDir: '.build/html',
  cacheDir: '.build/vite',
  // A site in a subfolder of its host works when this is set to that folder.
  base: process.env.DOCS_BASE ?? '/',
  cleanUrls: false,
  // TypeDoc's pages contain type parameters in angle brackets, which Vue would read as elements.
  markdown: { html: false },
  vite: { plugins: [llms({ injectLLMHint: false })], build: { chunkSizeWarningLimit: 2_000 } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide' },
      { text: 'API', link: '/api/' },
      { text: 'Changelog', link: '/CHANGELOG' },
      { text: 'GitHub', link: REPOSITORY },
    ],
    sidebar: pages.map(({ title, entries, ...look }) => ({ text: title, items: entries.map(link), ...look })),
  },
})
