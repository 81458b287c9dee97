const SLOTS = 16_384

/**
 * Returns the hash slot of a key in Redis Cluster: CRC-16 (XMODEM) of its hash tag, or of the whole key if it has
 * none.
 */
export function slotOf(key: string): number {
  // The tag is between the first { and the next }, unless that is empty.
  const [, tag] = /^[^{]*\{([^}]+)\}/.exec(key) ?? []
  let crc = 0
  for (const byte of Buffer.from(tag ?? key)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  }
  return (crc & 0xffff) % SLOTS
}
