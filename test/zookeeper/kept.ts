import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'

/** A server that may be stopped and restarted with its data, or with a copy of it. */
export interface KeptServer {
  readonly node: ZookeeperNode
  /** Starts it again, with the data as they are. */
  start(): Promise<ZookeeperNode>
  save(): Promise<void>
  /** Stops it, and starts it with the saved data. */
  restore(): Promise<ZookeeperNode>
}

/** @param cleanup - steps after the test. */
export async function startKept(cleanup: (() => unknown)[]): Promise<KeptServer> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-zookeeper-'))
  const copy = `${folder}-copy`
  cleanup.push(() => Promise.all([folder, copy].map(one => rm(one, { recursive: true, force: true }))))
  const node = await startZookeeperNode({ folder })
  const start = async () => {
    const again = await startZookeeperNode({ folder, port: node.port })
    cleanup.push(() => again.stop())
    return again
  }
  return {
    node,
    start,
    save: () => cp(folder, copy, { recursive: true }),
    async restore() {
      await node.stop()
      await rm(folder, { recursive: true })
      await cp(copy, folder, { recursive: true })
      return start()
    },
  }
}
