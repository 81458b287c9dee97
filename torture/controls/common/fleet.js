// @ts-check
/** @import { Control } from '../control.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { stopReader } from './reads.js'

/** Rules about the registry of replicas and acknowledgements. @type {Control[]} */
export const fleet = [
  {
    rule: 'a replica acknowledges a change after it has applied it',
    changes: [
      {
        file: 'replica/replica.js',
        from: 'push(change) {',
        to: `push(change) {
          if (change.acknowledge === true && !change.isLate) {
            void this.#store.acknowledge(this.#membership.id, change.version);
            setTimeout(() => this.push({ ...change, isLate: true }), 200);
            return true;
          }`,
      },
    ],
    needs: ['channel'],
    sessions: [{}, { live: true, maxStaleness: 5_000 }],
    async play(_stage, writer, reader) {
      await writer.do('set', 'key')
      await reader.do('sync')
      await writer.do('set', 'key', { everywhere: true })
      await reader.do('fresh', 'key')
    },
  },
  {
    rule: 'a replica relies on memory only while its record is renewed',
    changes: [
      {
        file: 'replica/presence-timing.js',
        from: 'ttl: 30_000, renewEvery: 10_000',
        to: 'ttl: 400, renewEvery: 60_000',
      },
      {
        file: 'replica/reliance.js',
        from: 'Math.min(this.confirmedAt + bound, this.registeredUntil)',
        to: 'this.confirmedAt + bound',
      },
    ],
    needs: ['leases'],
    sessions: [{}, { maxStaleness: 3_000 }],
    async play(_stage, writer, reader) {
      await writer.do('set', 'key')
      await writer.do('look')
      await reader.do('sync')
      await pause(600)
      await writer.do('set', 'key', { everywhere: true })
      await reader.do('fresh', 'key')
    },
  },
  {
    rule: 'a replica that is silent has not acknowledged',
    changes: [
      {
        file: 'dictionary/everywhere.js',
        from: '({ id, bound }) => bound !== undefined && id !== ownId',
        to: '({ id, bound, seenAgo }) => bound !== undefined && id !== ownId && seenAgo < 100',
      },
    ],
    sessions: [{}, { live: true, maxStaleness: 1_500 }],
    play: stopReader,
  },
  {
    rule: 'replicas() calls only a replica with the current version current',
    changes: [{ file: 'dictionary/fleet.js', from: "behind === 0 ? 'current' : 'behind'", to: "'current'" }],
    sessions: [{}, { autosync: false }],
    async play(_stage, writer) {
      await writer.do('set', 'key')
      await writer.do('see')
      await writer.do('look')
    },
  },
  {
    rule: 'a record says what memory holds',
    changes: [
      {
        file: 'replica/membership.js',
        from: 'this.#store.acknowledge(this.id, this.#member.version())',
        to: "this.#store.acknowledge(this.id, this.#member.version().replace(/^\\d+/, '99999'))",
      },
    ],
    sessions: [{}, { live: true, maxStaleness: 200 }],
    async play(_stage, writer, reader) {
      await writer.do('set', 'key', { everywhere: true })
      await reader.do('sync')
      await writer.do('look')
      await reader.do('see')
    },
  },
]
