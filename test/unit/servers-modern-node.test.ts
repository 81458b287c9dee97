import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { modernNode } from '../../scripts/modern-node.js'

describe('modernNode', () => {
  it('is the running Node if it is new enough', async () => {
    expect(await modernNode(20)).toBe(process.execPath)
  })

  it('returns a new enough Node to several concurrent callers', async () => {
    const paths = await Promise.all([modernNode(24), modernNode(24)])
    expect(new Set(paths).size).toBe(1)
    const { stdout } = await promisify(execFile)(paths[0] as string, ['-p', 'process.versions.node'])
    expect(Number.parseInt(stdout, 10)).toBeGreaterThanOrEqual(24)
  }, 300_000)
})
