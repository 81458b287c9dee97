import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { ask } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'

/** Waits until the condition holds, for what happens in the background. By default as patiently as `expect.poll`. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 30_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > end) expect.fail(`Not within ${ms} ms: ${what}`)
    await delay(10)
  }
}

/** How many connections are subscribed to a dictionary's channel on that server. */
export async function listeners(node: RedisNode, channel: string): Promise<number> {
  const [, count] = (await ask(node, 'pubsub', 'shardnumsub', channel)) as [string, number]
  return count
}
