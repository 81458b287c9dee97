import type { Handle } from '../handler.js'

/** A handler of Hono 4. */
// biome-ignore lint/suspicious/noExplicitAny: Hono's own types, without importing them.
export type HonoHandler = (context: any) => Promise<Response>

export function honoOf(handle: Handle): HonoHandler {
  return (context: { readonly req: { readonly raw: Request } }) => handle(context.req.raw, context)
}
