import { NextResponse } from 'next/server'
import { settings } from './lib/settings.js'

/** Responds to each page with 503 while the shop is closed. */
export async function proxy() {
  const { local } = await settings()
  return local.get('open') ? NextResponse.next() : new NextResponse('The shop is closed.', { status: 503 })
}

export const config = { matcher: '/' }
