/**
 * Modules of Node that are loaded at their first use: each takes several milliseconds, much of the time that importing an
 * entry point takes. Bundlers leave `process.getBuiltinModule` alone; Bun and Deno have it too.
 */
export const builtin = {
  get crypto(): typeof import('node:crypto') {
    loadedCrypto ??= process.getBuiltinModule('node:crypto')
    return loadedCrypto
  },
  get fs(): typeof import('node:fs') {
    loadedFiles ??= process.getBuiltinModule('node:fs')
    return loadedFiles
  },
  get net(): typeof import('node:net') {
    loadedNet ??= process.getBuiltinModule('node:net')
    return loadedNet
  },
  get path(): typeof import('node:path') {
    loadedPaths ??= process.getBuiltinModule('node:path')
    return loadedPaths
  },
  get diagnosticsChannel(): typeof import('node:diagnostics_channel') {
    loadedChannels ??= process.getBuiltinModule('node:diagnostics_channel')
    return loadedChannels
  },
}

let loadedCrypto: typeof import('node:crypto') | undefined
let loadedFiles: typeof import('node:fs') | undefined
let loadedNet: typeof import('node:net') | undefined
let loadedPaths: typeof import('node:path') | undefined
let loadedChannels: typeof import('node:diagnostics_channel') | undefined
