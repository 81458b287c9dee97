import { sentence } from '../../errors/for-key.js'

/**
 * What went wrong, as a sentence. Prisma shows the lines of code that called it before what it has to say, and keeps what the
 * database said apart.
 */
export function said(cause: unknown): string {
  if (!(cause instanceof Error) || !cause.name.startsWith('PrismaClient')) return sentence(cause)
  const { meta } = cause as { meta?: { driverAdapterError?: { cause?: { originalMessage?: unknown } } } }
  const original = meta?.driverAdapterError?.cause?.originalMessage
  return sentence(typeof original === 'string' ? original : cause.message.trim().split('\n').at(-1))
}
