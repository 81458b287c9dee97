import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const { Bun } = globalThis as unknown as { Bun?: { gc(synchronous: boolean): void } }

/** Collects garbage, now: also where the process was not started for that. */
export const collectGarbage: () => void = Bun ? () => Bun.gc(true) : collectorOfV8()

function collectorOfV8(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
