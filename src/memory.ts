export { MemoryStore } from './backends/memory/memory-store.js'
export * from './common.js'
export { MemoryDict } from './memory-dict.js'
