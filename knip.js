// @ts-check
import { ENTRIES, PROGRAM } from './scripts/entries.js'

export default {
  entry: [
    ...ENTRIES.map(({ source }) => `src/${source}`),
    `src/${PROGRAM.source}`,
    '{bench,demo}/*.{js,ts}',
    'examples/{express,openfeature,outage,postgres}/*.js',
    'site/.vitepress/config.js',
    'site/.vitepress/theme/index.js',
    'bench/{suites,tasks}/*.js',
    'demo/stores/*.js',
    'scripts/build/require-package.js',
    'scripts/{lane,failures}-reporter.js',
    'src/console/page/main.tsx',
    'test/console/other-process.js',
    'test/demo/*.js',
    'test/model/managers/*.js',
  ],
  project: ['**/*.{js,ts,tsx}', '!test/consumers/programs/**', '!examples/next/**'],
  // A part of PostgreSQL, which the tests install.
  ignoreBinaries: ['psql'],
  ignoreDependencies: [
    'jiti',
    '@arethetypeswrong/cli',
    'publint',
    '@valibot/to-json-schema',
    'vitepress',
    'vitepress-plugin-llms',
  ],
}
