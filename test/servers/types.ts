/** What is needed to find and start one kind of server. */
export interface ServerSpec {
  /** Its proper name: 'Redis'. */
  name: string
  /** The environment variable that points at a running server. */
  variable: string
  /** Names of the program, the preferred one first. */
  binaries: string[]
  /** Further paths to search, outside PATH; `*` matches one name, such as a version. */
  folders?: string[]
  /** Files that are also required, such as a jar. */
  needs?: string[]
  /** Debian's packages with all of that. */
  packages?: string[]
  docker?: DockerSpec
  /** The system user to run as if we are root and the server refuses root. */
  user?: string
  /** The command that sets up an empty data folder, run to its end before the server. */
  init?(place: Place): string[]
  /** Instead: the command that sets up a data folder of which each server gets a copy. */
  prepare?(place: Place): string[]
  /** The command that runs the server in the foreground. */
  command(place: Place): string[]
  /** What the server prints once it is ready; by default, an accepted connection counts. */
  ready?: RegExp
  /** Whether the server on that port works, if an accepted connection does not prove it. May reject. */
  answers?(port: number): Promise<boolean>
  /** The signal that stops it at once but cleanly. Default: SIGTERM. */
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
  /** The prefix of `/usr` in the paths of files that came with it: '' or a cache folder. */
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
  /** A port of the caller's choice, such as that of a stopped server. Default: a free one. */
  port?: number
  /** A data folder of the caller, which is kept at the end. Default: a new one, removed at the end. */
  folder?: string
  /** Further arguments of the command. A function returns new ones for each attempt, such as another port. */
  args?: string[] | (() => Promise<string[]>)
}

/** A running server. */
export interface Server {
  source: Found['source']
  url: string
  /** Its port, process and data folder; unknown for a server that the environment points at. */
  port?: number
  pid?: number
  folder?: string
  /** Ends the process and removes its folder. May be called twice. */
  stop(): Promise<void>
}

/** A Redis that the tests have started, and may stop, freeze and isolate. */
export interface RedisNode extends Server {
  port: number
  pid: number
}

/** A Redis Cluster. */
export interface RedisCluster {
  /** The primaries first, then the replicas of the first, second, … primary in turn. */
  nodes: RedisNode[]
  primaries: RedisNode[]
  /** Restarts a stopped server with its place in the cluster, but without its data. */
  restart(node: RedisNode): Promise<void>
  stop(): Promise<void>
}

/** A primary with a replica, watched by sentinels. */
export interface RedisSentinels {
  /** The sentinel's name for them. */
  name: string
  primary: RedisNode
  replica: RedisNode
  /** Both, as they are now. */
  servers: RedisNode[]
  /** The first one. */
  sentinel: RedisNode
  sentinels: RedisNode[]
  /** Restarts a stopped server, empty, as a replica of the present primary, or a stopped sentinel that watches that. */
  restart(node: RedisNode, present: RedisNode): Promise<void>
  /** From now on, a primary that is silent for this many ms has failed. */
  failOverAfter(ms: number): Promise<unknown>
  stop(): Promise<void>
}

/** A ZooKeeper server that the tests have started, and may stop, freeze and isolate. */
export interface ZookeeperNode extends Server {
  port: number
  pid: number
  folder: string
  /** As in connection strings: 127.0.0.1:2181. */
  address: string
}

/** Servers of one ensemble. */
export interface ZookeeperEnsemble {
  nodes: ZookeeperNode[]
  /** Of all of them, without a scheme. */
  addresses: string
  /** The present leader. */
  leader(): Promise<ZookeeperNode>
  /** Restarts a stopped server with its data. */
  restart(node: ZookeeperNode): Promise<ZookeeperNode>
  /** Blocks or unblocks the traffic between a server and the others. */
  cutOff(node: ZookeeperNode, off: boolean): void
  stop(): Promise<void>
}
