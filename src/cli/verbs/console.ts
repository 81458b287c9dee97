import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { serveConsole } from '../../console/standalone.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import type { Terminal } from '../terminal.js'
import type { Verb } from '../verb.js'

export const console: Verb = {
  name: 'console',
  summary: 'open a page to see, change and undo',
  usage: '',
  words: [0, 0],
  untilInterrupted: true,
  options: {
    by: { type: 'string', value: 'WHO', help: 'who makes the changes; default: your login and host' },
    port: { type: 'string', short: 'p', value: 'PORT', help: 'the port on this machine; default: a free one' },
    mask: {
      type: 'string',
      multiple: true,
      value: 'KEY',
      help: 'never show the value of this key; * stands for any text',
    },
    'read-only': { type: 'boolean', help: 'only look' },
    'no-open': { type: 'boolean', help: 'do not open a browser' },
  },
  details:
    'Serves the console to this machine only, until Ctrl-C. The printed address contains a token that lets one browser in, once.\n' +
    'On another machine, forward the port: ssh -L 8080:127.0.0.1:8080 host, with --port 8080.',
  examples: [
    ['durabledict console', 'opens the console in your browser'],
    ["durabledict console --read-only --mask '*token*'", 'shows everything except some values, and changes nothing'],
  ],
  async run({ flags, open, screen, terminal }) {
    const readOnly = flags.has('read-only')
    const port = portOf(flags.text('port'))
    const mask = flags.texts('mask').map(toPattern)
    const desk = await open({ readOnly, live: true, mayBeAbsent: true })
    const served = await serveConsole(desk.dict, { user: flags.text('by') ?? terminal.author, port, mask, readOnly })
    const page = wantsBrowser(flags.has('no-open'), terminal) ? await openBrowser(served.url) : undefined
    await screen.note(`The console of "${desk.name}" is at this address, until Ctrl-C:`)
    if (screen.isTable) await screen.line(served.url)
    else await screen.json(JSON.stringify({ url: served.url }))
    await ended(terminal.signal)
    await Promise.all([served.close(), page && rm(page, { recursive: true, force: true })])
    return EXIT.ok
  },
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) < 65_536) return Number(text)
  throw usage('--port takes a number from 1 to 65535.')
}

function toPattern(text: string): RegExp {
  const parts = text.split('*').map(part => part.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

function wantsBrowser(refused: boolean, { env, stdout }: Terminal): boolean {
  return !refused && stdout.isTTY && !env.CI && !env.SSH_CONNECTION
}

/** Other users of the machine see the arguments of commands, so the browser opens a file that only this user may read. */
async function openBrowser(url: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-console-'))
  const file = join(folder, 'open.html')
  const page = `<!doctype html><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${url}">`
  await writeFile(file, page, { mode: 0o600 })
  const commands = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] } as Partial<Record<NodeJS.Platform, string[]>>
  const [command = '', ...args] = commands[process.platform] ?? ['xdg-open']
  const { spawn } = process.getBuiltinModule('node:child_process')
  const child = spawn(command, [...args, pathToFileURL(file).href], { stdio: 'ignore', detached: true })
  // Without a browser, the printed address is enough.
  child.on('error', () => {})
  child.unref()
  return folder
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}
