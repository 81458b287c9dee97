// @ts-check
// All consumer tests: `npm test` runs the short ones alone.
import { installed, run } from '../../scripts/run.js'

const env = { ...process.env, TEST_FORM: 'long' }
const { code } = await run(installed('vitest'), ['run', 'test/consumers', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env,
})
process.exitCode = code
