// @ts-check
import { readFile } from 'node:fs/promises'

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** The counts in Vitest's JSON report. A file that failed outside its tests counts as one. @param {string} path */
export async function count(path) {
  const report = JSON.parse(await readFile(path, 'utf8'))
  /** @param {{ status: string, assertionResults: { status: string }[] }} file */
  const brokenOutside = file =>
    file.status === 'failed' && file.assertionResults.every(test => test.status !== 'failed')
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.testResults.filter(brokenOutside).length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** @param {Counts} counts */
export function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
