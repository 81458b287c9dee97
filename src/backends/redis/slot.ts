const SLOTS = 16_384

/** The hash slot of a key in Redis Cluster: CRC-16 (XMODEM) of its hash tag, or of all of it where it has none. */
export function slotOf(key: string): number {
  // The first { counts, up to the first } after it, unless there is nothing between them.
  const [, tag] = /^[^{]*\{([^}]+)\}/.exec(key) ?? []
  let crc = 0
  for (const byte of Buffer.from(tag ?? key)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  }
  return (crc & 0xffff) % SLOTS
}
