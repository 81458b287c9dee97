/** What one kind of server needs in order to be found and started. */
export interface ServerSpec {
  /** As people write it: 'Redis'. */
  name: string
  /** The variable of the environment that points at a running server. */
  variable: string
  /** Names of the program, the preferred one first. */
  binaries: string[]
  /** Where it may lie outside PATH; `*` stands for one name, such as a version. */
  folders?: string[]
  /** Files that must be there too, such as a jar. */
  needs?: string[]
  /** Debian's packages that bring all of that. */
  packages?: string[]
  docker?: DockerSpec
  /** The system's user to run as, where we are root and the server refuses root. */
  user?: string
  /** The command that sets up an empty data folder, run to its end before the server. */
  init?(place: Place): string[]
  /** The command that runs the server in the foreground. */
  command(place: Place): string[]
  /** What the server prints once it is ready; without it, an accepted connection counts. */
  ready?: RegExp
  /** Whether the server on that port does its work, where an accepted connection does not say so. May reject. */
  answers?(port: number): Promise<boolean>
  /** The signal that stops it at once but cleanly: SIGTERM unless said. */
  stopSignal?: NodeJS.Signals
  url(port: number): string
}

export interface DockerSpec {
  image: string
  /** The port inside the container. */
  port: number
  /** Options of `docker run`, such as ['-e', 'POSTGRES_PASSWORD=test']. */
  options?: string[]
  args?: string[]
}

/** Where a server runs. */
export interface Place {
  /** The full path of the program. */
  binary: string
  /** What stands before `/usr` in the paths of files that came with it: '' or a cache folder. */
  prefix: string
  /** The data folder. */
  folder: string
  port: number
}

/** Where a server was found. */
export type Found =
  | { source: 'environment'; url: string }
  | { source: 'binary'; binary: string; prefix: string }
  | { source: 'docker'; docker: DockerSpec }

export interface StartOptions {
  /** A port of the caller's choice, such as that of a server stopped before. A free one by default. */
  port?: number
  /** A data folder of the caller's, which is left there at the end. By default a new one, removed at the end. */
  folder?: string
  /** Further arguments of the command. A function makes them anew for each attempt, as where they name another port. */
  args?: string[] | (() => Promise<string[]>)
}

/** A running server. */
export interface Server {
  source: Found['source']
  url: string
  /** Its port, process and data folder; not known of a server that the environment points at. */
  port?: number
  pid?: number
  folder?: string
  /** Ends the process and removes its folder. May be called twice. */
  stop(): Promise<void>
}

/** A Redis that the tests have started, and may stop, freeze and cut off. */
export interface RedisNode extends Server {
  port: number
  pid: number
}

/** A Redis Cluster. */
export interface RedisCluster {
  /** The primaries first, then the replicas of the first, second, … primary in turn. */
  nodes: RedisNode[]
  primaries: RedisNode[]
  stop(): Promise<void>
}

/** A primary with a replica, watched by a sentinel. */
export interface RedisSentinels {
  /** What the sentinel calls them. */
  name: string
  primary: RedisNode
  replica: RedisNode
  sentinel: RedisNode
  stop(): Promise<void>
}

/** A ZooKeeper server that the tests have started, and may stop, freeze and cut off. */
export interface ZookeeperNode extends Server {
  port: number
  pid: number
  folder: string
  /** As connection strings have it: 127.0.0.1:2181. */
  address: string
}

/** Servers of one ensemble. */
export interface ZookeeperEnsemble {
  nodes: ZookeeperNode[]
  /** Of all of them, without a scheme. */
  addresses: string
  /** The one that leads now. */
  leader(): Promise<ZookeeperNode>
  /** Starts a server again that was stopped, with its data. */
  restart(node: ZookeeperNode): Promise<ZookeeperNode>
  /** ValueKind up, or lets through again, what a server says to the others and hears of them. */
  cutOff(node: ZookeeperNode, off: boolean): void
  stop(): Promise<void>
}
