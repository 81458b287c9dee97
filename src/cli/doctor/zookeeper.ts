import { connect } from 'node:net'
import { error, type Finding, warning } from './finding.js'

/** The first version with the persistent watch that a connection string needs. */
const OLDEST = [3, 6]

/** Asks each server of the ensemble for its own description. */
export async function zookeeperFindings(servers: readonly string[], timeout: number): Promise<Finding[]> {
  const answers = await Promise.all(servers.map(async server => [server, await ask(server, timeout)] as const))
  return answers.flatMap(([server, answer]) => findingsOfSrvr(server, answer))
}

/** @param answer - of the command `srvr`; `undefined`: none. */
export function findingsOfSrvr(server: string, answer: string | undefined): Finding[] {
  if (answer === undefined) {
    return [error('connection', `Server ${server} does not answer.`, 'Start it, or remove it from the URL.')]
  }
  const version = /Zookeeper version: (\d+)\.(\d+)/i.exec(answer)
  if (!version) {
    return [
      warning(
        'server',
        `Server ${server} does not allow the command srvr, so that its version was not checked.`,
        'Add srvr to 4lw.commands.whitelist.',
      ),
    ]
  }
  const [major = 0, minor = 0] = version.slice(1).map(Number)
  const [oldest = 0, least = 0] = OLDEST
  if (major > oldest || (major === oldest && minor >= least)) return []
  return [
    error(
      'version',
      `Server ${server} is ZooKeeper ${major}.${minor}.`,
      `Update it to ZooKeeper ${OLDEST.join('.')} or later.`,
    ),
  ]
}

function ask(server: string, timeout: number): Promise<string | undefined> {
  const [, host = '', port = '2181'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(server) ?? []
  return new Promise(resolve => {
    let answer = ''
    const socket = connect({ host, port: Number(port) }, () => socket.write('srvr'))
    socket.setTimeout(timeout, () => socket.destroy())
    socket.on('data', data => {
      answer += data.toString()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer === '' ? undefined : answer))
  })
}
