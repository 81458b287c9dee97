// @ts-check
// Preloaded: makes the package drizzle-orm one that is not installed beside the library.
import { register } from 'node:module'

const hooks = `export async function resolve(specifier, context, next) {
  if (specifier !== 'drizzle-orm') return next(specifier, context)
  throw Object.assign(new Error("Cannot find package 'drizzle-orm'"), { code: 'ERR_MODULE_NOT_FOUND' })
}`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
