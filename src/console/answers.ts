/** Sent with every answer, whatever it is. */
export const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  vary: 'Cookie, Origin, Sec-Fetch-Site',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** What a route answers: data, or a body with its type. */
export type Answer =
  | { readonly json: unknown; readonly status?: number }
  | { readonly body: string | ReadableStream<Uint8Array>; readonly type: string }
  | { readonly location: string }

/** A proxy or a compressing middleware must pass on each part of a stream at once. */
const UNBUFFERED = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }

/** The browser must not guess that an answer is a page, and no other site may read or frame it. */
export function toResponse(answer: Answer, head = false): Response {
  if ('location' in answer)
    return new Response(null, { status: 308, headers: { ...HEADERS, location: answer.location } })
  if ('json' in answer) return jsonResponse(answer.json, answer.status ?? 200, {}, head)
  const isStream = typeof answer.body !== 'string'
  const headers = { ...HEADERS, ...(isStream && UNBUFFERED), 'content-type': answer.type }
  if (!head) return new Response(answer.body, { headers })
  // Nobody will read it.
  if (typeof answer.body !== 'string') void answer.body.cancel().catch(() => {})
  return new Response(null, { headers })
}

export function jsonResponse(
  json: unknown,
  status: number,
  headers: Readonly<Record<string, string>>,
  head: boolean,
): Response {
  const all = { ...HEADERS, 'content-type': 'application/json; charset=utf-8', ...headers }
  return new Response(head ? null : JSON.stringify(json), { status, headers: all })
}
