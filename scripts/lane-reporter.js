// @ts-check
/** @import { Reporter, TestModule } from 'vitest/node' */

/** @param {readonly TestModule[]} modules */
function figures(modules) {
  const tests = modules.flatMap(module => [...module.children.allTests()])
  const of = (/** @type {string} */ state) => tests.filter(test => test.result().state === state).length
  const spent = modules.map(module => {
    const { duration, collectDuration, setupDuration, environmentSetupDuration } = module.diagnostic()
    return duration + collectDuration + setupDuration + environmentSetupDuration
  })
  return {
    files: modules.length,
    passed: of('passed'),
    failed: of('failed'),
    skipped: of('skipped'),
    seconds: Math.round(spent.reduce((sum, each) => sum + each, 0) / 100) / 10,
  }
}

/**
 * Prints the results of each lane, and the total time of its files: more than the elapsed time if several ran at once.
 * @implements {Reporter}
 */
export default class LaneReporter {
  /** @param {readonly TestModule[]} modules */
  onTestRunEnd(modules) {
    const names = [...new Set(modules.map(({ project }) => project.name))].sort()
    const rows = names.map(name => [name, figures(modules.filter(({ project }) => project.name === name))])
    console.table(Object.fromEntries(rows))
  }
}
