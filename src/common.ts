// The exports that every store's entry point shares.
export type {
  Awaitable,
  Backend,
  Batch,
  CatchUp,
  Change as BackendChange,
  Committed,
  Condition,
  Dated,
  Effect,
  Freshness,
  Gap,
  Group,
  Listener,
  Operation,
  Outcome,
  State,
  Supports,
  Unsubscribe,
  ValueKind,
  Version,
} from './contract/backend.js'
export type {
  Attribution,
  CommitNote,
  HistoryLimits,
  HistoryPage,
  HistoryPolicy,
  HistoryQuery,
  KeyChange,
  StoredCommit,
  Via,
} from './contract/history.js'
export type { Presence, Registered, Registration, Registry } from './contract/presence.js'
export type {
  CheckMessage,
  CommitMessage,
  ConflictMessage,
  DiagnosticFault,
  DiagnosticSubject,
  FreshMessage,
  LoadMessage,
  OpenMessage,
  StaleMessage,
  SyncMessage,
  TracedMessage,
} from './diagnostics/messages.js'
export type { Stats } from './diagnostics/stats.js'
export type { Origin } from './dictionary/assembly.js'
export type { Derived, DeriveOptions } from './dictionary/derived.js'
export { DurableDict } from './dictionary/durable-dict.js'
export type { Change, EventMap, FreshEvent, StaleEvent, SyncEvent } from './dictionary/events.js'
export type { EverywhereOptions, EverywhereProgress } from './dictionary/everywhere-options.js'
export type { ReplicaStatus } from './dictionary/fleet.js'
export type { Health } from './dictionary/health.js'
export type { AttributionOptions } from './dictionary/history/attribution.js'
export type { CommitStream, HistoryOptions } from './dictionary/history/commit-stream.js'
export type { Commit, CommitChange } from './dictionary/history/commits.js'
export type { HistoryOf } from './dictionary/history/history-of.js'
export type { HistoryPolicyOptions } from './dictionary/history/policy.js'
export type { RevertOptions } from './dictionary/history/revert.js'
export type { OpenOnBackend } from './dictionary/open.js'
export type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  EncodingOption,
  LastKnownOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  TransactOptions,
  TypedOptions,
  ValuesOf,
  WatchOptions,
  WriteOptions,
} from './dictionary/options.js'
export type { Updates } from './dictionary/pairs.js'
export type { InputOf, OutputOf, Schema } from './dictionary/schema.js'
export type { Transaction } from './dictionary/transaction.js'
export type { DictView, Read, Snapshot } from './dictionary/views.js'
export type { Encoding } from './encodings/encoding.js'
export { JSONEncoding } from './encodings/json-encoding.js'
export { NoOpEncoding } from './encodings/noop-encoding.js'
export { RichEncoding, type RichEncodingOptions } from './encodings/rich-encoding.js'
export type { RichClass, RichCodec, RichTypes } from './encodings/rich-types.js'
export {
  AmbiguousWriteError,
  type AnyDurableDictError,
  ClosedError,
  ConflictError,
  DecodingError,
  DurableDictError,
  EncodingError,
  type ErrorCode,
  type ErrorDetails,
  HistoryError,
  InvalidKeyError,
  InvalidValueError,
  KeyError,
  NotEverywhereError,
  ServiceUnavailableError,
  StaleError,
  StoreUnavailableError,
  UnsupportedError,
} from './errors/errors.js'
export type { ReplicaIdentity } from './errors/replica-identity.js'
export { type OpenOnceOptions, openOnce } from './open-once.js'
export type { SyncReason } from './replica/history.js'
