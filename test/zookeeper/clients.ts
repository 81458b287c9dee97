import { type Client, createClient, type Option } from 'node-zookeeper-client'

/** A started client that keeps quiet, and how it is ended. */
export function clientOf(addresses: string, options: Partial<Option> = {}): { client: Client; end(): void } {
  const client = createClient(addresses, { spinDelay: 50, ...options })
  client.connect()
  return { client, end: () => client.close() }
}
