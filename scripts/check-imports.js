// @ts-check
// Fails if modules of src import each other in a circle at run time, or if an import leaves the one-way order of the rooms.
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path/posix'
import { root } from './run.js'

/** The rooms that each room may import beside itself and {@link LEAVES}. `entry` is every file directly in `src` or in `src/model`. */
const MAY_IMPORT = /** @type {Readonly<Record<string, readonly string[]>>} */ ({
  entry: [
    'console',
    'flags',
    'telemetry',
    'frameworks',
    'dictionary',
    'replica',
    'contract',
    'backends',
    'clients',
    'conformance',
  ],
  frameworks: ['dictionary', 'contract'],
  console: ['dictionary', 'replica', 'contract'],
  cli: ['entry', 'console', 'dictionary', 'replica', 'contract', 'backends'],
  conformance: ['entry', 'dictionary', 'replica', 'contract', 'backends'],
  dictionary: ['last-known', 'replica', 'contract'],
  'last-known': ['replica', 'contract'],
  replica: ['contract'],
  backends: ['contract', 'clients'],
  contract: [],
  clients: [],
  telemetry: [],
  flags: ['dictionary', 'contract'],
})

/** Rooms that import nothing but each other. */
const LEAVES = ['diagnostics', 'encodings', 'errors', 'packages', 'process', 'queues', 'time', 'warnings']

/** @param {string} path below src */
const roomOf = path => (/^(model\/)?[^/]+$/.test(path) ? 'entry' : path.slice(0, path.indexOf('/')))

/** @param {string} from @param {string} to */
function isAllowed(from, to) {
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === other || LEAVES.includes(other) || to === 'version.ts') return isInsideBackend(from, to)
  return MAY_IMPORT[room]?.includes(other) ?? false
}

/** A backend imports itself and what backends share. @param {string} from @param {string} to */
function isInsideBackend(from, to) {
  const [, backend, other] = [...(/^backends\/([^/]+)\/.*\nbackends\/([^/]+)\//.exec(`${from}\n${to}`) ?? [])]
  return backend === other || other === 'sql'
}

/** What a module imports. @param {string} path below src */
async function importsOf(path) {
  const text = await readFile(join(root, 'src', path), 'utf8')
  const statements = text.matchAll(
    /^(?:import|export)\b(?<type> type\b)?(?<names>[^'"]*?)\bfrom '(?<to>\.[^']+)'|\bimport\('(?<later>\.[^']+)'\)/gm,
  )
  return [...statements].flatMap(({ groups = {} }) => {
    const to = join(dirname(path), groups.to ?? groups.later ?? '').replace(/\.js$/, '.ts')
    return to.endsWith('.ts') ? [{ to, atRunTime: groups.to !== undefined && !isOfTypes(groups) }] : []
  })
}

/** @param {Record<string, string>} statement */
function isOfTypes({ type, names = '' }) {
  const listed = names
    .replaceAll(/[{}]/g, '')
    .split(',')
    .map(name => name.trim())
    .filter(Boolean)
  return type !== undefined || (listed.length > 0 && listed.every(name => name.startsWith('type ')))
}

const paths = (await readdir(join(root, 'src'), { recursive: true })).filter(path => /(?<!\.d)\.ts$/.test(path)).sort()
const imports = new Map(
  await Promise.all(paths.map(async path => /** @type {const} */ ([path, await importsOf(path)]))),
)
const faults = paths.flatMap(path =>
  (imports.get(path) ?? [])
    .filter(({ to }) => !isAllowed(path, to))
    .map(({ to }) => `src/${path} may not import src/${to}`),
)

/** @type {Set<string>} */
const done = new Set()

/** Visits a module and all that it imports at run time. @param {string} path @param {readonly string[]} above */
function visit(path, above) {
  const start = above.indexOf(path)
  if (start >= 0)
    faults.push(`A circle of imports: ${[...above.slice(start), path].map(each => `src/${each}`).join(' -> ')}`)
  if (start >= 0 || done.has(path)) return
  for (const { to, atRunTime } of imports.get(path) ?? []) if (atRunTime) visit(to, [...above, path])
  done.add(path)
}

for (const path of paths) visit(path, [])
for (const fault of faults) console.log(fault)
console.log(`Imports: ${faults.length} faults in ${paths.length} modules.`)
process.exitCode = faults.length > 0 ? 1 : 0
