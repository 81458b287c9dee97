import { fileOf, parseStoreUrl } from '../stores/store-url.js'
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
  const { store, server, name } = parseStoreUrl(url)
  if (store === 'redis') return await redisFindings(server, name, timeout)
  if (store === 'postgres') return await postgresFindings(server, timeout)
  if (store === 'sqlite') return await sqliteFindings(fileOf(server))
  if (store === 'zookeeper') return await zookeeperFindings(serversOf(server), timeout)
  return []
}

function serversOf(url: string): string[] {
  const [, authority = ''] = /^zookeeper:\/\/([^/]*)/i.exec(url) ?? []
  return authority.slice(authority.lastIndexOf('@') + 1).split(',')
}
