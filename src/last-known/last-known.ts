export { AbsentReplica } from './absent-replica.js'
export { findKnown } from './find.js'
export { Reconnection } from './reconnection.js'
export { Recorder } from './recorder.js'
