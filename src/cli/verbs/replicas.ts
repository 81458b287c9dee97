import type { ReplicaStatus } from '../../dictionary/fleet.js'
import { EXIT } from '../exit-codes.js'
import type { Verb } from '../verb.js'

export const replicas: Verb = {
  name: 'replicas',
  summary: 'list the processes that have the dictionary open',
  usage: '',
  words: [0, 0],
  options: {},
  formats: ['ndjson'],
  details: 'What it shows is at most ten seconds old. A process is silent if it missed two of its renewals.',
  examples: [
    ['durabledict replicas', 'shows which processes hold the current state'],
    ['durabledict replicas -o json | jq \'.[] | select(.state != "current")\'', 'shows the others'],
  ],
  async run({ open, screen }) {
    const desk = await open({ readOnly: true })
    const list = await desk.dict.replicas()
    const sorted = list.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    if (screen.isTable) await screen.table(HEAD, sorted.map(rowOf))
    else await screen.items(sorted.map(one => JSON.stringify(one)))
    return EXIT.ok
  },
}

const HEAD = ['HOST', 'PID', 'SERVICE', 'STATE', 'BEHIND', 'LAST SEEN', 'BOUND', 'LIBRARY']

function nameOf({ service = '', host, pid }: ReplicaStatus): string {
  return `${host} ${service} ${`${pid}`.padStart(10)}`
}

function rowOf({ host, pid, service = '', state, behind, lastSeen, maxStaleness, library }: ReplicaStatus): string[] {
  const bound = maxStaleness === undefined ? '' : `${maxStaleness} ms`
  return [
    host,
    `${pid}`,
    service,
    state,
    behind === undefined ? '' : `${behind}`,
    lastSeen.toISOString(),
    bound,
    library,
  ]
}
