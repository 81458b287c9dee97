// @ts-check
/** @import { TestSpecification } from 'vitest/node' */
import { BaseSequencer } from 'vitest/node'

/** The files that take longest: at the end of a run, one of these would keep one worker busy and let the others wait. */
const SLOW =
  /\/(torture|bench|demo|consumers)\/|\/(conformance[\w-]*|processes|modern-node|failover|recovery|any-runner|four-methods|faults[\w-]*|browser|pages|lacking)\.test\.ts$/

/** The order in which a fresh clone, which does not know how long each file takes, runs the files: slow ones first. */
export class SlowFirst extends BaseSequencer {
  /** @override @param {TestSpecification[]} files */
  async sort(files) {
    const sorted = await super.sort(files)
    const isSlow = (/** @type {TestSpecification} */ { moduleId }) => SLOW.test(moduleId)
    return [...sorted.filter(isSlow), ...sorted.filter(file => !isSlow(file))]
  }
}
