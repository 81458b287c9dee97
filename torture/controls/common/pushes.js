// @ts-check
/** @import { Control } from '../control.js' */
import { setTimeout as pause } from 'node:timers/promises'

const LIVE = { live: true, autosync: false }

/** Rules about pushed changes. @type {Control[]} */
export const pushes = [
  {
    rule: 'a pushed change is applied only if it chains',
    changes: [
      {
        file: 'replica/history.js',
        from: 'if (!Object.is(change.previous, this.memory.version))',
        to: 'if (false)',
      },
    ],
    needs: ['channel'],
    sessions: [{}, LIVE],
    async play(_stage, writer, reader) {
      await reader.order('lose', 1)
      await writer.do('set', 'lost')
      await writer.do('set', 'next')
      await pause(50)
      await reader.do('see')
      await writer.do('see')
    },
  },
  {
    rule: 'a heartbeat checks even if nothing was pushed',
    changes: [{ file: 'replica/live-feed.js', from: /if \(!this\.#refreshing\)\s+void this\.#refresh\(\);/, to: '' }],
    needs: ['channel'],
    sessions: [{}, LIVE],
    async play(_stage, writer, reader) {
      await reader.order('lose', 1)
      await writer.do('set', 'lost')
    },
  },
]
