/**
 * The fields of a model that say nothing new of a row that is there: its `@id`, and what Prisma itself sets with every update. A
 * client knows of them by the text of its schema alone.
 */
export function keptFields(schema: string, model: string): ReadonlySet<string> {
  const [, body = ''] = new RegExp(`^\\s*model\\s+${model}\\s*\\{(.*?)^\\s*\\}`, 'ms').exec(schema) ?? []
  const fields = body.split('\n').map(withoutTexts)
  return new Set(fields.filter(field => /\s@(?:id|updatedAt)\b/.test(field)).map(nameOf))
}

/** Removes quoted text and comments. */
function withoutTexts(line: string): string {
  return line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\/\/.*$/, '')
}

function nameOf(field: string): string {
  return field.trim().split(/\s/, 1)[0] as string
}
