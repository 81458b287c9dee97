import { UnsupportedError } from '../../errors/errors.js'
import type { Desk } from '../desk.js'
import { type ValueFault, valueFaults } from '../findings.js'
import { error, type Finding, warning } from './finding.js'

/** What can be seen in any store: values, replicas and bounds. */
export async function dictionaryFindings(desk: Desk): Promise<Finding[]> {
  const values = valueFaults(desk, await desk.state()).map(valueFinding)
  return [...values, ...(await fleetFindings(desk))]
}

function valueFinding({ key, problem, message }: ValueFault): Finding {
  if (problem === 'undeclared') {
    return warning(
      'undeclared',
      `Key ${JSON.stringify(key)} is stored, and nothing declares it.`,
      'Declare it, or remove it with "unset".',
    )
  }
  return error('schema', message, 'Write the key again, or look in "history" for its last good value.')
}

async function fleetFindings(desk: Desk): Promise<Finding[]> {
  try {
    const silent = (await desk.dict.replicas()).filter(({ state }) => state === 'silent')
    const { unregistered } = await desk.core.internals.fleet.replicas()
    return [...silent.map(silentFinding), ...boundFindings(unregistered)]
  } catch (fault) {
    if (fault instanceof UnsupportedError) return []
    throw fault
  }
}

function silentFinding({
  host,
  pid,
  service,
  lastSeen,
}: {
  host: string
  pid: number
  service?: string | undefined
  lastSeen: Date
}): Finding {
  const name = `${service === undefined ? 'Process' : `Process of ${service},`} ${host}:${pid}`
  return warning(
    'silent',
    `${name}, has not renewed its record since ${lastSeen.toISOString()}.`,
    'Look whether it hangs, is stopped, or is cut off from the store. Its record expires by itself.',
  )
}

function boundFindings(unregistered: number): Finding[] {
  if (unregistered === 0) return []
  return [
    warning(
      'bound',
      `The store has a bound of ${unregistered} ms that belongs to no registered process. Each write with "everywhere" waits for it.`,
      'If no process of an earlier release and none with replicas: false uses maxStaleness any more, lower it by hand: see "Releases side by side" in the page about fleets.',
    ),
  ]
}
