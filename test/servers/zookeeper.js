// @ts-check
import { once } from 'node:events'
import { connect } from 'node:net'

/** What the server needs of Debian's libraries: names of jars below /usr/share/java. */
const JARS = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-simple', 'metrics-core', 'snappy-java', 'commons-cli'],
  ...['netty-buffer', 'netty-common', 'netty-codec', 'netty-handler', 'netty-resolver', 'netty-transport'],
  ...['jackson-annotations', 'jackson-core', 'jackson-databind', 'commons-io'],
]
const jar = (/** @type {string} */ name) => `/usr/share/java/${name}.jar`

/** Small and quick to start: the server itself is not under test. */
const JVM = ['-Xmx128m', '-Xss512k', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']

/** A short tick, so that sessions may be short, and no waiting for the disk: no test cuts the power. */
const CONFIG = ['tickTime=100', 'minSessionTimeout=300', 'maxSessionTimeout=60000', 'forceSync=no']
const LOCAL = [
  'admin.enableServer=false',
  '4lw.commands.whitelist=*',
  'clientPortAddress=127.0.0.1',
  'maxClientCnxns=0',
]

/**
 * The command that writes a server's configuration.
 * @param {import('./types.js').Place} place @param {readonly string[]} [lines] further lines @param {number} [id] its number in an ensemble
 */
export function zookeeperConfig({ folder, port }, lines = [], id = 0) {
  const all = [...CONFIG, ...LOCAL, `dataDir=${folder}`, `clientPort=${port}`, ...lines]
  const write = `printf '%s\\n' "$@" > '${folder}/zoo.cfg'; echo ${id} > '${folder}/myid'`
  return ['sh', '-c', write, 'sh', ...all]
}

/** A server's response to a four-letter command. @param {number} port @param {string} word @returns {Promise<string>} */
export async function fourLetters(port, word) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let answer = ''
  socket.on('data', text => {
    answer += text
  })
  socket.setTimeout(2_000, () => socket.destroy(new Error('It does not answer.')))
  try {
    await once(socket, 'connect')
    socket.end(word)
    await once(socket, 'close')
    return answer
  } finally {
    socket.destroy()
  }
}

/** @type {import('./types.js').ServerSpec} */
export const zookeeper = {
  name: 'ZooKeeper',
  variable: 'ZOOKEEPER_URL',
  binaries: ['java'],
  folders: ['/usr/lib/jvm/*/bin'],
  needs: [jar('zookeeper'), jar('slf4j-simple')],
  packages: ['libzookeeper-java', 'libslf4j-java', 'default-jre-headless'],
  docker: { image: 'zookeeper:3.8', port: 2181, options: ['-e', 'ZOO_4LW_COMMANDS_WHITELIST=*'] },
  init: place => zookeeperConfig(place),
  command({ binary, folder, prefix }) {
    const classes = JARS.map(name => prefix + jar(name)).join(':')
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    return [binary, ...JVM, quiet, '-Dzookeeper.forceSync=no', '-cp', classes, main, `${folder}/zoo.cfg`]
  },
  // It accepts connections before it serves them.
  answers: async port => /^Mode: /m.test(await fourLetters(port, 'srvr')),
  stopSignal: 'SIGKILL',
  url: port => `zookeeper://127.0.0.1:${port}`,
}
