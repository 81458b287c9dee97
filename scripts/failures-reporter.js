// @ts-check
/** @import { Reporter, TestModule } from 'vitest/node' */
/** @import { Failure } from './failures.js' */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { root } from './run.js'

/**
 * An error as Vitest passes it on from the process in which it happened.
 * @typedef {object} Thrown
 * @property {string} [name]
 * @property {string} message
 * @property {string} [diff]
 * @property {string} [stack]
 * @property {readonly { file: string, line: number }[]} [stacks]
 * @property {unknown} [cause]
 */

/** Where the error was thrown, as far as that is in the repository. @param {Thrown} error */
function place({ stacks = [] }) {
  const frame = stacks.find(({ file }) => file.startsWith(root) && !file.includes('/node_modules/'))
  return frame && `at ${relative(root, frame.file)}:${frame.line}`
}

/** @param {Thrown} error @returns {string} */
function described(error) {
  const { name = 'Error', message, diff, cause } = error
  const of = cause instanceof Object && 'message' in cause ? `cause: ${described(/** @type {Thrown} */ (cause))}` : ''
  return [`${name}: ${message}`, place(error), diff, of].filter(Boolean).join('\n')
}

/** @param {TestModule} module @param {string[]} names @param {readonly Thrown[]} errors @returns {Failure[]} */
function failure(module, names, errors) {
  if (errors.length === 0) return []
  const where = [`${module.project.name} ${relative(root, module.moduleId)}`, ...names].join(' > ')
  return [{ where, message: errors.map(described).join('\n') }]
}

/** Of a file: its own errors, those of its suites (failed hooks) and of its tests. @param {TestModule} module */
function failuresOf(module) {
  const suites = [...module.children.allSuites()]
  const tests = [...module.children.allTests('failed')]
  return [
    ...failure(module, [], module.errors()),
    ...suites.flatMap(suite => failure(module, [suite.fullName], suite.errors())),
    ...tests.flatMap(test => failure(module, [test.fullName], test.result().errors ?? [])),
  ]
}

/** What no test is known to have caused, but ends the run as failed. @param {Thrown & Record<string, unknown>} error */
function unhandled(error) {
  const { VITEST_TEST_PATH: path, VITEST_TEST_NAME: test } = error
  const during = [path && relative(root, String(path)), test].filter(Boolean).join(' > ')
  return { where: `unhandled error${during && ` during ${during}`}`, message: described(error) }
}

/**
 * Writes the failures of a run to the file named by FAILURES_FILE.
 * @implements {Reporter}
 */
export default class FailuresReporter {
  /** @param {readonly TestModule[]} modules @param {readonly any[]} unhandledErrors */
  async onTestRunEnd(modules, unhandledErrors) {
    const path = process.env.FAILURES_FILE
    if (!path) return
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, JSON.stringify([...modules.flatMap(failuresOf), ...unhandledErrors.map(unhandled)]))
  }
}
