import { UnsupportedError } from '../../errors/errors.js'
import type { Rewrite } from './head-rewrites.js'
import type { Names } from './names.js'
import {
  formatRegistryState,
  isLaterFormat,
  parseRegistryState,
  type RegistryState,
  unregisteredOf,
} from './registry-record.js'
import type { Session } from './session.js'
import type { Step, Znode } from './transport.js'

/** The znode above the records, as it was read. */
export interface RegistryRoot {
  readonly znode: Znode | undefined
  /** `undefined` if it is missing or malformed. */
  readonly state: RegistryState | undefined
}

export async function readRoot(session: Session, names: Names): Promise<RegistryRoot> {
  const { value } = await session.getData(names.registry)
  return { znode: value, state: value && parseRegistryState(value.data) }
}

/** Raises recorded bounds, and creates or repairs the znode above the records. */
export function raiseBounds(session: Session, names: Names, raised: Partial<RegistryState>): Rewrite {
  return async head => {
    const root = await readRoot(session, names)
    if (root.znode && isLaterFormat(root.znode.data)) throw laterFormat(names)
    const covered = Math.max(root.state?.covered ?? 0, raised.covered ?? 0)
    const unregistered = Math.max(unregisteredOf(head.bound, root.state), raised.unregistered ?? 0)
    const bound = Math.max(head.bound, covered, unregistered)
    const { state } = root
    const isSame = state?.covered === covered && state.unregistered === unregistered && !state.shrinking
    if (isSame && bound === head.bound) return undefined
    const created = root.znode ? 0 : 1
    return {
      head: { ...head, bound, cversion: head.cversion + created },
      steps: [writing(root, names, { covered, unregistered })],
    }
  }
}

/**
 * Lowers the recorded bound to what the records need, unless somebody has written the znode above them since. A bound of a release
 * without a registry stays.
 *
 * @param version - how often that znode was written when the records were listed.
 */
export function lowerBounds(session: Session, names: Names, covered: number, version: number): Rewrite {
  return async head => {
    const root = await readRoot(session, names)
    if (!root.state || root.znode?.stat.version !== version) return undefined
    const unregistered = unregisteredOf(head.bound, root.state)
    const bound = Math.max(covered, unregistered)
    return { head: { ...head, bound }, steps: [writing(root, names, { covered, unregistered })] }
  }
}

/** The step that writes the znode above the records, if nobody has written it since. */
export function writing({ znode }: RegistryRoot, { registry: path }: Names, state: RegistryState): Step {
  const data = formatRegistryState(state)
  return znode ? { type: 'set', path, data, version: znode.stat.version } : { type: 'create', path, data }
}

function laterFormat({ path: dictionary }: Names): UnsupportedError {
  return new UnsupportedError(
    `The registry of dictionary "${dictionary}" has a later format than this version of durabledict supports. Update durabledict.`,
    { dictionary },
  )
}
