import { settings } from '../../../lib/settings.js'

export const dynamic = 'force-dynamic'

export async function GET() {
  const dict = await settings()
  return Response.json({ ...Object.fromEntries(dict.local), pid: process.pid })
}

export async function PUT(request) {
  const dict = await settings()
  await dict.update(await request.json())
  return new Response(null, { status: 204 })
}
