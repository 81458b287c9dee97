import type { Finding } from './finding.js'
import { findingOf } from './opening.js'
import { postgresFindings } from './postgres.js'
import { redisFindings } from './redis.js'
import { sqliteFindings } from './sqlite.js'
import { zookeeperFindings } from './zookeeper.js'

/** Looks at the store itself, on a connection of its own. */
export async function storeFindings(url: string, timeout: number): Promise<readonly Finding[]> {
  try {
    return await findingsAt(url, timeout)
  } catch (fault) {
    return [findingOf(fault)]
  }
}

async function findingsAt(url: string, timeout: number): Promise<Finding[]> {
  const [server = '', name = ''] = url.split('#', 2)
  const scheme = /^[a-z]+/i.exec(url)?.[0].toLowerCase()
  if (scheme === 'redis' || scheme === 'rediss') return await redisFindings(server, decodeURIComponent(name), timeout)
  if (scheme === 'postgres' || scheme === 'postgresql') return await postgresFindings(server, timeout)
  if (scheme === 'sqlite')
    return await sqliteFindings(decodeURIComponent(server.slice('sqlite:'.length).replace(/^\/\//, '')))
  if (scheme === 'zookeeper') return await zookeeperFindings(serversOf(server), timeout)
  return []
}

function serversOf(url: string): string[] {
  const [, authority = ''] = /^zookeeper:\/\/([^/]*)/i.exec(url) ?? []
  return authority.slice(authority.lastIndexOf('@') + 1).split(',')
}
