// @ts-check
// npm run demo:console: a console over a small SQLite dictionary with history, a schema, and three processes that read it. Ctrl-C ends it.
import { prepare } from '../scripts/prepare.js'

await prepare()
// Imported late: its dependencies may have to be installed and built first.
const { openScene } = await import('./console-scene.js')
const scene = await openScene()
console.log(
  `The console of "${scene.name}", over ${scene.file}, with three processes that read it:\n\n  ${scene.url}\n`,
)
console.log('The address lets one browser in, once. Ctrl-C ends the demo.')
const end = new Promise(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve)
})
await end
await scene.close()
