// @ts-check
import { join } from 'node:path'
import { toolset } from './place.js'
import { binaries } from './tools.js'

/** The program of a runtime, installed on first use. @param {'bun' | 'deno'} runtime */
export async function runtimeBinary(runtime) {
  if (!binaries) throw new Error(`npm has no ${runtime} for ${process.platform}-${process.arch}.`)
  return join(await toolset(runtime), binaries[runtime], runtime === 'bun' ? 'bin/bun' : 'deno')
}
