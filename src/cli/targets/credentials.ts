/** Returns the URL without its user and password, and without its query, which may hold some. */
export function withoutPassword(url: string): string {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? []
  if (scheme === undefined || rest === undefined) return url
  const withoutUser = rest.slice(rest.lastIndexOf('@') + 1)
  return scheme + withoutUser.replace(/\?[^#]*/, '')
}

/** Removes the credentials of a URL from a message of a driver. */
export function withoutCredentialsOf(url: string | undefined, message: string): string {
  if (url === undefined) return message
  const secret = /^[a-z][a-z0-9+.-]*:\/\/(.*)@/is.exec(url)?.[1]
  const password = secret?.slice(secret.indexOf(':') + 1)
  const forms = [secret, password, decoded(password)].filter(form => form !== undefined && form !== '')
  return forms.reduce((text: string, form) => text.replaceAll(form as string, '…'), message)
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text)
  } catch {
    return undefined
  }
}
