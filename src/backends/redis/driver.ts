/** Callbacks of a connection that is subscribed to channels. */
export interface SubscriberEvents {
  message(channel: string, text: string): void
  /** Messages may have been lost. If the connection is open again, it is subscribed to every channel. */
  interrupted(cause: unknown): void
}

/** A separate connection for messages, created on first use. */
export interface Subscriber {
  /** Resolves once messages on the channel are received: a sharded one, unless it is of keyspace events. */
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** May be called while the connection is being opened: pending calls then reject. */
  close(): Promise<void> | void
}

/** How to send a command. */
export interface Sending {
  /** If it is aborted before the command was written, the command is dropped, if the client supports that. */
  readonly signal?: AbortSignal | undefined
  /** Whether to return strings in the reply as bytes. */
  readonly bytes?: boolean | undefined
}

/** What the backend needs from a client of any kind. */
export interface Driver {
  /** For messages: 'the ioredis client'. */
  readonly label: string
  /** Whether the servers are a cluster. While one moves a slot, it runs a script only if it has every key that the call names. */
  readonly isCluster: boolean
  /** The prefix to add to every key. */
  readonly keyPrefix: string
  /** The prefix to add to a channel, even if the client adds the prefix to keys by itself. */
  readonly channelPrefix: string
  /**
   * The number of lost connections. Counted only if the client resends in-flight commands by itself: an answer may
   * then belong to a later attempt than the first.
   */
  readonly losses: number
  /**
   * Returns `undefined` if commands for the primary of `key` can be written now, else a promise that resolves when
   * they can. It rejects if the client is not connected and is not trying to connect.
   */
  ready(key: string): Promise<void> | undefined
  /** Sends a command to the primary that serves `key`. */
  send(key: string, command: string[], sending?: Sending): Promise<unknown>
  /** Sends commands together to the primary that serves `key`. At least one of them is not read-only. */
  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]>
  /** The number of the database, if its connections for messages can also receive keyspace events. */
  database?(): number | Promise<number>
  /** Returns a connection for messages. */
  subscriber(events: SubscriberEvents): Subscriber
  /** Set once the server has answered as a primary. */
  servedBefore: boolean
  /**
   * Called when the server reports that it is a replica. Makes the client reconnect, which may lead to the primary.
   * Returns false if the client cannot reconnect, or finds the primary by itself.
   */
  leave(): boolean
  /** Removes the listeners that were added to the client. */
  detach(): void
}
