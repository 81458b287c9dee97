import { postgresql, WRITER_SETTING } from '../sql/dialects/postgresql.js'
import { literal, notingStatements } from '../sql/triggers/postgresql-notes.js'
import { TRIGGER_FORMAT, TRIGGER_PREFIX } from '../sql/triggers/triggered-table.js'
import { inSchema } from './names.js'
import chain from './scripts/chain.sql'

/** Tells the triggers of the entries from those of models. */
const ID = 'entries'

/** The triggers of the table of entries, by which edits with SQL are followed. */
export const TRIGGERS = [
  `${TRIGGER_PREFIX}${TRIGGER_FORMAT}_${ID}`,
  `${TRIGGER_PREFIX}${TRIGGER_FORMAT}_${ID}_t`,
] as const

/** The statements that make every change of the table of entries, by any statement, a change of the dictionary. */
export function triggersIn(schemaName: string): string[] {
  return notingStatements({
    table: { schema: schemaName, name: 'durabledict_entries' },
    keyColumn: 'key',
    valueColumns: ['value', 'encoded'],
    dictionary: { column: 'dictionary' },
    value: row => inSchema(`@schema@.durabledict_side_1(${row}value, ${row}encoded)`, schemaName),
    type: 'row',
    edits: { schema: schemaName, name: 'durabledict_edits' },
    schema: literal(postgresql.quote(schemaName)),
    chain: inSchema(chain, schemaName),
    // Empty while no function of the library writes.
    when: `coalesce(current_setting('${WRITER_SETTING}', true), '') = ''`,
    id: ID,
    triggers: TRIGGERS,
  })
}
