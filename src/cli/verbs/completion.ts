import { COMPLETIONS, type Shell } from '../completion/shells.js'
import { EXIT } from '../exit-codes.js'
import { usage } from '../failure.js'
import type { Call, Verb } from '../verb.js'

export const completion: Verb = {
  name: 'completion',
  summary: 'print the script that completes words in your shell',
  usage: 'bash|zsh|fish|keys',
  words: [1, 1],
  options: {},
  details:
    'The scripts complete verbs and options, and the keys of the dictionary that --url or --dict on the same line, DURABLEDICT_URL or\n' +
    'durabledict.config names.',
  examples: [
    ['source <(durabledict completion bash)', 'in ~/.bashrc'],
    ['source <(durabledict completion zsh)', 'in ~/.zshrc, after compinit'],
    ['durabledict completion fish | source', 'in ~/.config/fish/config.fish'],
    ['durabledict completion keys', 'prints the keys, one a line, as the scripts need them'],
  ],
  async run(call) {
    const [shell = ''] = call.words
    if (shell === 'keys') await printKeys(call)
    else await call.terminal.stdout.write(scriptOf(shell, call.verbs))
    return EXIT.ok
  },
}

function scriptOf(shell: string, verbs: readonly Verb[]): string {
  if (Object.hasOwn(COMPLETIONS, shell)) return COMPLETIONS[shell as Shell](verbs)
  throw usage(`There is no completion for ${JSON.stringify(shell)}; there are bash, zsh and fish.`)
}

/** A key that would control the terminal is left out. */
async function printKeys({ open, screen }: Call): Promise<void> {
  const desk = await open({ readOnly: true })
  const keys = new Set([...(await desk.state()).keys(), ...desk.declared])
  for (const key of keys) if (!/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(key)) await screen.line(key)
}
