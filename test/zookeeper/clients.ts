import { type Client, createClient, type Option } from 'node-zookeeper-client'

/** A started client without log output, and how to close it. */
export function clientOf(addresses: string, options: Partial<Option> = {}): { client: Client; end(): void } {
  const client = createClient(addresses, { spinDelay: 50, ...options })
  client.connect()
  return { client, end: () => client.close() }
}
