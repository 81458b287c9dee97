/** How the channels begin on which a server publishes what is done to keys, if `notify-keyspace-events` asks for it. They are not sharded. */
const PREFIX = '__keyspace@'

/** The channel of one key in the database of this number. */
export function keyspaceChannel(database: number, key: string): string {
  return `${PREFIX}${database}__:${key}`
}

export function isKeyspaceChannel(channel: string): boolean {
  return channel.startsWith(PREFIX)
}
