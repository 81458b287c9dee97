import type { Encoding } from '../../encodings/encoding.js'
import { UnsupportedError } from '../../errors/errors.js'
import { within } from '../../time/within.js'
import { type Dialect, quoted } from '../sql/dialect.js'
import { dialectOf } from '../sql/dialects/dialects.js'
import { channelOf } from '../sql/notifications/channel.js'
import { Notifications } from '../sql/notifications/notifications.js'
import { Callers } from './callers.js'
import { OneStatementCommits, type OneStatementOptions } from './commits/one-statement.js'
import { warnOfMissingReplicas } from './faults.js'
import { giveAdvice } from './managers/advice.js'
import { guarded } from './managers/guarded-manager.js'
import type { ModelManager } from './managers/manager.js'
import { finishingStatements } from './managers/unfinished-statements.js'
import { ModelBackend } from './model-backend.js'
import type { ModelSettings } from './options.js'
import { ModelReplicas, type ModelReplicasOptions } from './replicas/model-replicas.js'
import { encodedKindOf } from './table/encoded-kind.js'
import { type Inspection, inspect, notInspected } from './table/inspection.js'
import { InstanceEncoding, InstanceMapper } from './table/instance-mapper.js'
import { JsonColumnEncoding } from './table/json-column.js'
import { Rows, type RowsOptions } from './table/rows.js'
import { StoredRow } from './table/stored.js'
import { ValueMapper } from './table/value-mapper.js'
import { WritableColumns } from './table/writable-columns.js'
import { checkTriggers } from './triggers/check-triggers.js'
import { triggeredTable } from './triggers/model-triggers.js'
import { CachedVersions } from './versions/cached-versions.js'
import { DatabaseVersions } from './versions/database-versions.js'
import { versionKey } from './versions/version-key.js'

/** The dictionary's own options that the backend needs. */
export interface Given {
  readonly encoding: Encoding<unknown>
  readonly oldEncoding: Encoding<unknown> | undefined
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** A backend, and the encoding of its values. */
export interface OpenedModel {
  readonly backend: ModelBackend
  readonly encoding: Encoding<unknown>
}

/** How much longer than a call a statement may take, in ms: the server's own limits, which leave the connection in order, come first. */
const GRACE = 250

/**
 * Inspects the model and creates its backend.
 *
 * @throws TypeError, UnsupportedError, StoreUnavailableError if the model cannot store a dictionary.
 */
export async function openModel(model: ModelManager, settings: ModelSettings, given: Given): Promise<OpenedModel> {
  const dialect = dialectOf(model)
  const limited = guarded(model, given.timeout + GRACE)
  const manager = model.dialect === 'sqlite' ? finishingStatements(limited) : limited
  const dictionary = settings.name ?? manager.model
  const { keyCol, valueCol } = settings
  const { timeout, signal } = given
  const keepsVersions = settings.cache === undefined
  const inspection = await within(
    timeout,
    async () => {
      const found = await inspect({ manager, dialect, dictionary, keyCol, valueCol, keepsVersions })
      const hasTriggers = keepsVersions && (await checkTriggers(manager, dialect, dictionary, found, settings))
      return { ...found, hasTriggers }
    },
    signal,
  ).catch(cause => Promise.reject(signal?.aborted ? signal.reason : notInspected(cause, dictionary)))
  giveAdvice(manager, dictionary)
  const { table, keyColumn, valueColumn } = inspection
  const key = versionKey(dialect, { dictionary, table, keyColumn, valueColumn })
  const { value, encoding: fitted } = valueForm(manager, dialect, settings, given, dictionary, inspection)
  const writable = new WritableColumns({
    manager,
    dictionary,
    keyCol,
    known: inspection.columns,
    allowed: settings.columns,
  })
  const encoding = settings.returnInstances ? new InstanceEncoding(manager, keyCol, fitted, value, writable) : fitted
  const mapper = settings.returnInstances ? new InstanceMapper(manager, keyCol, value) : value
  const rows = new Rows({
    manager,
    dialect,
    dictionary,
    table,
    keyCol,
    keyColumn,
    columns: inspection.columns,
    mapper,
    isFilled: settings.row !== undefined,
    fill: filling(settings, given.encoding),
  })
  const { cache, pollEvery } = settings
  const { hasHistory } = inspection
  // With PostgreSQL, the lock of the head says it without a row.
  const hasTriggers = inspection.hasTriggers && manager.dialect !== 'postgresql'
  const its = { manager, dialect, dictionary, key, timeout }
  const versions = cache
    ? new CachedVersions({ ...its, cache, keyColumn })
    : new DatabaseVersions({ ...its, rows, mapper, hasHistory, hasTriggers })
  const replicas = versions instanceof DatabaseVersions ? replicasOf(versions, its, inspection) : undefined
  const oneStatement = oneStatementCommits(manager, dialect, settings, inspection, { rows, key, timeout })
  const valueKind = settings.returnInstances ? 'references' : inspection.kind === 'bytes' ? 'bytes' : 'text'
  const notifications = listening(settings, manager, key, dictionary, timeout)
  return {
    backend: new ModelBackend({
      name: dictionary,
      manager,
      dialect,
      versions,
      rows,
      valueKind,
      timeout,
      pollEvery,
      notifications,
      callers: settings.row && new Callers(),
      replicas,
      triggered: cache ? undefined : triggeredTable(dialect, dictionary, inspection, settings.returnInstances),
      oneStatement,
    }),
    encoding,
  }
}

/** The registry of the replicas. Warns if the database has no table for it. */
function replicasOf(
  versions: DatabaseVersions,
  { dictionary, ...its }: Omit<ModelReplicasOptions, 'locking'> & { readonly dictionary: string },
  { hasReplicas }: Inspection,
): ModelReplicas | undefined {
  if (hasReplicas) return new ModelReplicas({ ...its, locking: work => versions.locking(work) })
  warnOfMissingReplicas(its.manager.database ?? its.manager, dictionary)
  return undefined
}

/** Missing where a write takes a transaction. */
function oneStatementCommits(
  { writes }: ModelManager,
  dialect: Dialect,
  { returnInstances, cache }: ModelSettings,
  { table, keyColumn, valueColumn, kind, hasHistory }: Inspection,
  others: Pick<OneStatementOptions, 'rows' | 'key' | 'timeout'>,
): OneStatementCommits | undefined {
  if (!writes || !dialect.joined || returnInstances || cache || kind !== 'text' || !hasHistory) return undefined
  // Placeholders are found by their mark.
  if (`${quoted(dialect, table)} ${keyColumn} ${valueColumn}`.includes('?')) return undefined
  return new OneStatementCommits({ ...others, writes, dialect, table, keyColumn, valueColumn })
}

/** Returns the mapper of the value column, and the encoding in the form that the column needs. */
function valueForm(
  manager: ModelManager,
  dialect: Dialect,
  { keyCol, valueCol }: ModelSettings,
  { encoding, oldEncoding }: Given,
  dictionary: string,
  { kind, json }: Inspection,
): { readonly value: ValueMapper; readonly encoding: Encoding<unknown> } {
  const encodedKind = encodedKindOf(encoding, kind, dictionary, valueCol)
  if (oldEncoding && encodedKindOf(oldEncoding, kind, dictionary, valueCol) !== encodedKind) {
    throw new UnsupportedError(
      `${encoding.name} and ${oldEncoding.name} of dictionary "${dictionary}" do not make the same of values: column "${valueCol}" ` +
        'cannot tell which of them wrote one.',
      { dictionary },
    )
  }
  const jsonAsValues = manager.jsonAsValues ?? false
  const tag = encoding.tag ?? oldEncoding?.tag
  const { reorders } = json
  const { library } = manager
  return {
    value: new ValueMapper(
      { dictionary, library, keyCol, valueCol, kind, jsonAsValues, encodedKind, tag, reorders },
      dialect,
    ),
    encoding: encodedKind === 'json' ? new JsonColumnEncoding(encoding, oldEncoding?.tag, json) : encoding,
  }
}

/** Calls the option's function with the value that the caller wrote. */
function filling({ row }: ModelSettings, encoding: Encoding<unknown>): RowsOptions['fill'] {
  if (!row) return () => ({})
  return (key, stored, caller) =>
    caller(() => row(key, stored instanceof StoredRow ? stored.given : encoding.decode(stored)))
}

function listening(
  { listen, cache }: ModelSettings,
  { dialect, database }: ModelManager,
  key: string,
  dictionary: string,
  timeout: number,
): Notifications | undefined {
  if (listen === undefined) return undefined
  if (cache) {
    throw new UnsupportedError(
      `Option "listen" of dictionary "${dictionary}" does not go with "cache": notifications are sent along with the versions in ` +
        'the database. Leave out one of the two.',
      { dictionary },
    )
  }
  if (dialect === 'postgresql') {
    return new Notifications({ listen, channel: channelOf(key), database, timeout, dictionary })
  }
  throw new UnsupportedError(
    `Option "listen" of dictionary "${dictionary}" needs PostgreSQL; on other databases, live dictionaries poll every "pollEvery" ms.`,
    { dictionary },
  )
}
