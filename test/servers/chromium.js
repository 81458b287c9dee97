// @ts-check
import { findServer } from './find.js'

/**
 * The path of Chromium: what `CHROMIUM` names, the one on this machine, else that of Debian's packages. Rejects with one line that
 * names what to install.
 */
export async function findChromium() {
  const found = await findServer({
    name: 'Chromium',
    variable: 'CHROMIUM',
    binaries: ['chromium', 'chromium-browser', 'google-chrome'],
    packages: ['chromium'],
    command: ({ binary }) => [binary],
    url: () => '',
  })
  return found.source === 'environment' ? found.url : /** @type {{ binary: string }} */ (found).binary
}
