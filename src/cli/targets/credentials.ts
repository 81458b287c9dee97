/** The names of query parameters whose values are secret, such as `sslpassword` and `authToken`. */
const SECRET = '[^?&;=#\\s]{0,40}(?:pass|pwd|secret|token|auth|key|cred)[^?&;=#\\s]{0,40}'

/** Returns the URL without its user and password, and without its query, which may contain some. */
export function withoutPassword(url: string): string {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? []
  if (scheme === undefined || rest === undefined) return url
  const withoutUser = rest.slice(rest.lastIndexOf('@') + 1)
  return scheme + withoutUser.replace(/\?[^#]*/, '')
}

/**
 * Returns a message without credentials: those of the given URLs, in whatever form a driver writes them, and those of each URL that
 * the message contains.
 */
export function withoutCredentials(message: string, urls: readonly (string | undefined)[]): string {
  const secrets = urls.flatMap(url => (url === undefined ? [] : secretsOf(url)))
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length)
  const cleaned = longestFirst.reduce((text, secret) => text.replaceAll(secret, '…'), message)
  return cleaned.replaceAll(/\b[a-z][a-z0-9+.-]{0,20}:\/\/\S+/gi, withoutThem)
}

/** A URL inside a text. Its user stays hidden as well: it may be a password in the wrong place. */
function withoutThem(url: string): string {
  // As messages write the form of a URL.
  if (/^[^:]+:\/\/user:password@[^@]*$/.test(url)) return url
  const withoutUser = url.replace(/^([^:]+:\/\/).*@/s, '$1…@')
  return withoutUser.replaceAll(new RegExp(`([?&;]${SECRET})=[^&#\\s"'>]*`, 'gi'), '$1=…')
}

function secretsOf(url: string): string[] {
  if (!/^[a-z][a-z0-9+.-]{0,20}:/i.test(url)) return []
  const [, user = ''] = /^[^:]+:\/\/(.*)@/s.exec(url) ?? []
  const colon = user.indexOf(':')
  const values = Array.from(url.matchAll(new RegExp(`[?&;]${SECRET}=([^&#]*)`, 'gi')), ([, value = '']) => value)
  // A user without a password stays in messages such as: login of user "ada" failed.
  const passwords = colon < 0 ? values : [user.slice(colon + 1), ...values]
  return [...passwords, ...passwords.map(decoded), ...(colon < 0 ? [] : [user])].filter(secret => secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
