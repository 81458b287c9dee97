// @ts-check
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'

/**
 * The machine, on which the figures depend. @param {string} node the version that ran the benches @returns
 * {import('./types.js').Machine}
 */
export function describeMachine(node) {
  return {
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node,
  }
}
