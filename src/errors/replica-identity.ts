/** Which replica is meant: one open dictionary of a process. */
export interface ReplicaIdentity {
  /** Random: one for each open dictionary. */
  readonly id: string
  readonly host: string
  readonly pid: number
  /** The option `service` that it was opened with. */
  readonly service?: string | undefined
}
