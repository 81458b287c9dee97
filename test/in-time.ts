/** In ms. */
const TICK = 20

/**
 * Does the work and returns its result, and whether it took less than that many milliseconds by the ticks of this process.
 * While other load keeps the process from a core, neither the work nor the ticks advance; a clock does.
 */
export async function inTime<V>(ms: number, work: () => V | Promise<V>): Promise<{ soon: boolean; value: V }> {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, TICK)
  try {
    const value = await work()
    return { soon: ticks < ms / TICK, value }
  } finally {
    clearInterval(timer)
  }
}
