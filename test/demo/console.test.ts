import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { prepare } from '../../scripts/prepare.js'

test('npm run demo:console serves a console with three readers, and ends by Ctrl-C', async () => {
  await prepare()
  const demo = spawn(process.execPath, ['demo/console.js'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(demo, 'exit')
  let printed = ''
  for await (const chunk of demo.stdout) {
    printed += chunk
    if (printed.includes('Ctrl-C')) break
  }
  const [address = ''] = /http:\S+/.exec(printed) ?? []
  const [cookie = ''] = (await fetch(address, { redirect: 'manual' })).headers.getSetCookie()
  const answer = await fetch(new URL('api/replicas', address), { headers: { cookie, 'sec-fetch-site': 'same-origin' } })
  const { replicas } = (await answer.json()) as { replicas: { service: string }[] }
  expect(replicas.map(({ service }) => service).sort()).toEqual(['console', 'web-1', 'web-2', 'worker'])
  demo.kill('SIGINT')
  expect(await exit).toEqual([0, null])
})
