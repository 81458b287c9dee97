import { useEffect, useState } from 'preact/hooks'
import { ConnectionLost, get } from './api'
import { ago, nameOf } from './format'
import type { Replica } from './types'

/** How often the list is read, in ms: replicas renew their records each 10 seconds. */
const EVERY = 5_000

const STATES = { current: 'current', behind: 'behind', silent: 'silent: stopped, cut off or dead' } as const

/** The processes that hold the dictionary, and which version each has. */
export function Replicas() {
  const [replicas, setReplicas] = useState<readonly Replica[]>()
  const [fault, setFault] = useState('')
  useEffect(() => {
    const load = async () => {
      try {
        setReplicas((await get<{ replicas: Replica[] }>('api/replicas')).replicas)
        setFault('')
      } catch (error) {
        if (!(error instanceof ConnectionLost)) setFault((error as Error).message)
      }
    }
    void load()
    const timer = setInterval(() => void load(), EVERY)
    return () => clearInterval(timer)
  }, [])
  return (
    <section class="replicas" aria-labelledby="replicas-title">
      <h2 id="replicas-title">Replicas</h2>
      <p role="status">{fault || (replicas ? summary(replicas) : '')}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of replicas">
        <table>
          <thead>
            <tr>
              <th scope="col">Process</th>
              <th scope="col">State</th>
              <th scope="col">Version</th>
              <th scope="col">Mode</th>
              <th scope="col">Last seen</th>
            </tr>
          </thead>
          <tbody>
            {replicas?.map(replica => (
              <Line key={replica.id} replica={replica} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Line({ replica }: { replica: Replica }) {
  const { state, behind, version, live, maxStaleness, lastSeen } = replica
  return (
    <tr>
      <th scope="row">{nameOf(replica)}</th>
      <td>
        <span class={`mark ${state === 'current' ? 'good' : 'bad'}`}>{STATES[state]}</span>
        {behind ? ` by ${behind} ${behind === 1 ? 'change' : 'changes'}` : ''}
      </td>
      <td class="code">{version ? version.slice(0, 24) : ''}</td>
      <td>
        {[live ? 'live' : 'on demand', maxStaleness === undefined ? '' : `within ${maxStaleness} ms`]
          .filter(Boolean)
          .join(', ')}
      </td>
      <td>{ago(Date.parse(lastSeen))}</td>
    </tr>
  )
}

function summary(replicas: readonly Replica[]): string {
  const current = replicas.filter(({ state }) => state === 'current').length
  return `${current} of ${replicas.length} replicas hold the current version. Each renews its record every 10 seconds.`
}
