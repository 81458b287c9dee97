/** Told by a connection that is subscribed to channels. */
export interface SubscriberEvents {
  message(channel: string, text: string): void
  /** Messages may have been lost; where the connection is there again, every channel is subscribed to. */
  interrupted(cause: unknown): void
}

/** A connection of its own, for messages: made when it is first needed. */
export interface Subscriber {
  /** Resolves when messages on the channel are received. */
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** Also while it is being made: who waits for that is told. */
  close(): Promise<void> | void
}

/** How a command is to be sent. */
export interface Sending {
  /** Where it is aborted before the command was written, the command is not written any more, if the client can do that. */
  readonly signal?: AbortSignal | undefined
  /** Whether strings in the reply are wanted as bytes. */
  readonly bytes?: boolean | undefined
}

/** What the backend needs of a client, whichever it is. */
export interface Driver {
  /** For messages: 'the ioredis client'. */
  readonly label: string
  /** What is to be put before every key. */
  readonly keyPrefix: string
  /** What is to be put before a channel: also where the client puts it before keys by itself. */
  readonly channelPrefix: string
  /**
   * How many connections were lost so far. Counted only where the client sends again by itself what was under way, so
   * that an answer need not be that to the first sending.
   */
  readonly losses: number
  /**
   * Nothing where commands can be written now to the server in charge of `key`; else a promise that resolves when they can. It rejects where the client
   * is not connected and does not try to be.
   */
  ready(key: string): Promise<void> | undefined
  /** Sends a command to the primary in charge of `key`. */
  send(key: string, command: string[], sending?: Sending): Promise<unknown>
  /** Sends commands in one go, all to the primary in charge of `key`. One of them is not read-only. */
  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]>
  /** A connection for messages. */
  subscriber(events: SubscriberEvents): Subscriber
  /** Set once the server has answered as a primary. */
  servedBefore: boolean
  /**
   * Called where the server says that it is a replica, or no primary any more: has the client make another connection, which may lead to
   * the primary. False where the client cannot, or finds the primary by itself.
   */
  leave(): boolean
  /** Removes what was added to the client. */
  detach(): void
}
