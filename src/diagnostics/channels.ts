import type { Channel } from 'node:diagnostics_channel'
import { builtin } from '../process/builtin.js'
import { TracedChannel } from './traced-channel.js'

/**
 * The channels, by the last part of their names. Channels belong to the process: every copy of the library publishes on the same
 * ones. Kept here because a channel that nobody refers to is forgotten with its subscribers.
 */
export interface Channels {
  readonly open: TracedChannel
  readonly check: TracedChannel
  readonly load: TracedChannel
  readonly commit: TracedChannel
  readonly sync: Channel
  readonly stale: Channel
  readonly fresh: Channel
  readonly conflict: Channel
}

let created: Channels | undefined

/** Returns the channels, created at the first call. */
export function channels(): Channels {
  created ??= create()
  return created
}

function create(): Channels {
  const channel = (name: string) => builtin.diagnosticsChannel.channel(`durabledict:${name}`)
  return {
    open: new TracedChannel('durabledict:open'),
    check: new TracedChannel('durabledict:check'),
    load: new TracedChannel('durabledict:load'),
    commit: new TracedChannel('durabledict:commit'),
    sync: channel('sync'),
    stale: channel('stale'),
    fresh: channel('fresh'),
    conflict: channel('conflict'),
  }
}
