import { settings } from '../lib/settings.js'

// For each request, not once at build time.
export const dynamic = 'force-dynamic'

export default async function Page() {
  const { local } = await settings()
  return <h1>{local.get('title')}</h1>
}
