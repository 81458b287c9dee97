/** A value as it is handed on: libsql has bytes as ArrayBuffer, all others as Uint8Array. */
export function plainValue(value: unknown): unknown {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value
}
