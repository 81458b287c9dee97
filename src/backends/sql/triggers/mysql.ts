import { builtin } from '../../../process/builtin.js'
import { quoted, type Statement } from '../dialect.js'
import { mysql } from '../dialects/mysql.js'
import {
  LARGEST_STATEMENT,
  MARK,
  STATEMENT_ROWS,
  TRIGGER_FORMAT,
  TRIGGER_PREFIX,
  type TriggeredTable,
} from './triggered-table.js'

/**
 * MySQL and MariaDB have no triggers at the commit, so each changed row locks and moves the head at once. The rows of one statement
 * share a change, which the connection and the time of the statement identify. Each row renews the nonce, so that a change which
 * others have read already is recognized as another one.
 */

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

/** The most characters of a row of a commit: length() counts bytes. */
const PART = 96_000

/** The statements that create the triggers of a table, or replace those of an earlier release. */
export function mysqlTriggers(table: TriggeredTable): string[] {
  const [inserted, updated, deleted] = mysqlTriggerNames(table)
  const { keyColumn, valueColumn, wholeRows } = table
  const isSame = (name: string) => `BINARY OLD.${mysql.quote(name)} <=> BINARY NEW.${mysql.quote(name)}`
  const changed = wholeRows ? '1' : `NOT (${isSame(keyColumn)} AND ${isSame(valueColumn)})`
  const [gone, made] = [edit(table, 'OLD', undefined), edit(table, undefined, 'NEW')]
  const update = `IF ${isSame(keyColumn)} THEN
    IF ${changed} THEN ${edit(table, 'OLD', 'NEW')} END IF;
  ELSE
    ${gone}
    ${made}
  END IF;`
  return [
    ...dropMysqlTriggers(table),
    trigger(table, inserted, 'INSERT', made),
    trigger(table, updated, 'UPDATE', update),
    trigger(table, deleted, 'DELETE', gone),
  ]
}

/** The statements that remove them. */
export function dropMysqlTriggers(table: TriggeredTable): string[] {
  const { schema } = table.table
  return [false, true]
    .flatMap(wholeRows => mysqlTriggerNames({ ...table, wholeRows }))
    .map(name => `DROP TRIGGER IF EXISTS ${quoted(mysql, { schema, name })}`)
}

/** Selects the triggers of a table: `name`, `enabled`. A user without the right TRIGGER sees none. */
export function findMysqlTriggers({ table, dictionary }: Pick<TriggeredTable, 'table' | 'dictionary'>): Statement {
  return {
    sql: `SELECT trigger_name AS name, 1 AS enabled FROM information_schema.triggers
      WHERE event_object_schema = COALESCE(?, DATABASE()) AND event_object_table = ? AND INSTR(trigger_name, ?) > 0`,
    parameters: [table.schema ?? null, table.name, `_${idOf(dictionary)}_`],
  }
}

/** The names of the triggers of a table, of inserted, updated and deleted rows. */
export function mysqlTriggerNames({
  dictionary,
  wholeRows,
}: Pick<TriggeredTable, 'dictionary' | 'wholeRows'>): [string, string, string] {
  const name = `${TRIGGER_PREFIX}${TRIGGER_FORMAT}${wholeRows ? 'r' : ''}_${idOf(dictionary)}`
  return [`${name}_i`, `${name}_u`, `${name}_d`]
}

function idOf(dictionary: string): string {
  return builtin.crypto.createHash('sha256').update(dictionary).digest('hex').slice(0, 16)
}

/** The text of a value in the history, as JSON. */
function side({ valueColumn, kind }: TriggeredTable, row: string): string {
  const value = `${row}.${mysql.quote(valueColumn)}`
  if (kind === 'bytes') return `IF(${value} IS NULL, '{"damaged":true}', CONCAT('{"hex":"', HEX(${value}), '"}'))`
  const absent = kind === 'json' ? `'"null"'` : `'{"damaged":true}'`
  return `IF(${value} IS NULL, ${absent}, JSON_QUOTE(CONVERT(${value} USING utf8mb4)))`
}

/** The statements that record one key. `undefined` stands for a row that is not there. */
function edit(table: TriggeredTable, before: 'OLD' | undefined, after: 'NEW' | undefined): string {
  const { keyColumn, valueColumn, kind, wholeRows } = table
  const key = `${after ?? before}.${mysql.quote(keyColumn)}`
  const value = `NEW.${mysql.quote(valueColumn)}`
  const read = `CONCAT('["row",', its_key, ']')`
  const set =
    kind === 'bytes' || wholeRows
      ? read
      : `IF(${value} IS NULL, ${read}, CONCAT('["set",', its_key, ',', JSON_QUOTE(CONVERT(${value} USING utf8mb4)), ']'))`
  return `SET key_text = CONVERT(${key} USING utf8mb4);
    IF key_text <> '' AND (OCTET_LENGTH(key_text) <= 512 OR INSTR(key_text, CHAR(1 USING utf8mb4)) > 0) THEN
      SET its_key = JSON_QUOTE(key_text);
      SET effect = ${after ? set : `CONCAT('["delete",', its_key, ']')`};
      SET its_change = CONCAT('[', its_key, ',', ${before ? side(table, before) : `'null'`}, ',', ${after ? side(table, after) : `'null'`}, ']');
      ${record(table)}
    END IF;`
}

/** Identifies the statement and the dictionary in a variable of the session. */
function muchOf({ dictionary }: TriggeredTable): string {
  return `CONCAT('${idOf(dictionary)}-', CONNECTION_ID(), '-', CAST(NOW(6) AS CHAR))`
}

function trigger(table: TriggeredTable, name: string, event: string, body: string): string {
  const { schema } = table.table
  const text = `longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`
  const statement = muchOf(table)
  const short = `varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`
  return `CREATE TRIGGER ${quoted(mysql, { schema, name })} AFTER ${event} ON ${quoted(mysql, table.table)} FOR EACH ROW
BEGIN
  DECLARE key_text, its_key, effect, its_change, logged, past, wrapped ${text};
  DECLARE head_nonce, token, statement_id, batch_id, its_epoch ${short};
  DECLARE head_format, head_number, head_bytes, pos, low, lost, most, is_valid, is_new, is_same, part_no bigint;
  DECLARE author, why ${text};
  DECLARE CONTINUE HANDLER FOR NOT FOUND BEGIN END;
  -- So much that everything is read again: one statement can add nothing to that.
  IF NOT (BINARY @durabledict_much <=> BINARY ${statement}) OR TIMESTAMPDIFF(SECOND, NOW(), SYSDATE()) > 600 THEN
  ${body}
  END IF;
END`
}

/** Logs an effect, records the change in the history, and moves the head. */
function record(table: TriggeredTable): string {
  const { dictionary, versions } = table
  const dict = literal(dictionary)
  const { versions: heads, changes, commits } = versions
  const number = (path: string) => `CAST(JSON_UNQUOTE(JSON_EXTRACT(past, '$.${path}')) AS SIGNED)`
  const isNumber = (path: string) => `COALESCE(JSON_TYPE(JSON_EXTRACT(past, '$.${path}')) = 'INTEGER', 0)`
  return `SET head_number = NULL;
      SELECT format, number, nonce, bytes, history INTO head_format, head_number, head_nonce, head_bytes, past
        FROM ${heads} WHERE dict = ${dict} FOR UPDATE;
      SET batch_id = NULL;
      SELECT batch INTO batch_id FROM ${changes} WHERE dict = ${dict} AND number = head_number + 1 AND previous = head_nonce;
      IF head_number IS NOT NULL AND head_format = 1 AND NOT (batch_id <=> '${MARK}') THEN
        SET statement_id = CONCAT('sql-', CONNECTION_ID(), '-', CAST(NOW(6) AS CHAR));
        SET token = LEFT(SHA2(CONCAT(UUID(), RAND(), head_nonce), 256), 24);
        SET author = LEFT(COALESCE(NULLIF(CONVERT(@durabledict_by USING utf8mb4), ''), SUBSTRING_INDEX(USER(), '@', 1)), 64);
        SET why = LEFT(NULLIF(CONVERT(@durabledict_reason USING utf8mb4), ''), 256);
        SET batch_id = NULL;
        SELECT batch, effects INTO batch_id, logged FROM ${changes} WHERE dict = ${dict} AND number = head_number AND nonce = head_nonce;
        SET is_same = COALESCE(batch_id = statement_id, 0);
        IF NOT is_same THEN
          SET head_number = head_number + 1;
          SET logged = IF(INSTR(key_text, CHAR(1 USING utf8mb4)) > 0 OR CHAR_LENGTH(effect) > ${LARGEST_STATEMENT * 16}, NULL, CONCAT('[', effect, ']'));
          REPLACE INTO ${changes} (dict, number, nonce, previous, batch, effects, bytes, notes)
            VALUES (${dict}, head_number, token, head_nonce, statement_id, logged, head_bytes + COALESCE(CHAR_LENGTH(logged), 0), NULL);
        ELSEIF logged IS NOT NULL THEN
          SET logged = IF(INSTR(key_text, CHAR(1 USING utf8mb4)) > 0 OR CHAR_LENGTH(logged) > ${LARGEST_STATEMENT} OR JSON_LENGTH(logged) >= ${STATEMENT_ROWS},
            NULL, CONCAT(LEFT(logged, CHAR_LENGTH(logged) - 1), ',', effect, ']'));
        END IF;
        IF logged IS NULL THEN SET @durabledict_much = ${muchOf(table)}; END IF;
        SET head_bytes = head_bytes + CHAR_LENGTH(effect);
        UPDATE ${changes} SET nonce = token, effects = logged, bytes = head_bytes, notes = IF(logged IS NULL, NULL, CONCAT(
            '{"format":1,"notes":[{"effects":', JSON_LENGTH(logged), ',"by":', JSON_QUOTE(author),
            IF(why IS NULL, '', CONCAT(',"reason":', JSON_QUOTE(why))), ',"via":"sql"}]}'))
          WHERE dict = ${dict} AND number = head_number;
        SET is_valid = COALESCE(JSON_VALID(past), 0);
        IF is_valid THEN
          SET is_valid = ${isNumber('position')} AND ${isNumber('floor')} AND ${isNumber('gone')}
            AND COALESCE(JSON_TYPE(JSON_EXTRACT(past, '$.epoch')) = 'STRING' AND JSON_TYPE(JSON_EXTRACT(past, '$.nonce')) = 'STRING', 0);
        END IF;
        SET most = IF(is_valid AND JSON_TYPE(JSON_EXTRACT(past, '$.keep')) = 'INTEGER', ${number('keep')}, 1000);
        IF logged IS NOT NULL AND most > 0 AND (NOT is_valid OR COALESCE(${number('format')}, 1) = 1) THEN
          SET is_new = NOT is_valid OR JSON_UNQUOTE(JSON_EXTRACT(past, '$.nonce')) <> head_nonce;
          SET pos = IF(is_valid, ${number('position')}, 0);
          SET its_epoch = IF(is_valid, JSON_UNQUOTE(JSON_EXTRACT(past, '$.epoch')), LEFT(SHA2(token, 256), 12));
          IF is_new THEN
            IF head_number > 1 OR past IS NOT NULL THEN SET pos = GREATEST(pos, 1); END IF;
            SET low = pos, lost = pos;
            DELETE FROM ${commits} WHERE dict = ${dict};
          ELSE
            SET low = ${number('floor')}, lost = ${number('gone')};
          END IF;
          SET wrapped = NULL;
          IF is_same AND NOT is_new THEN
            SELECT changes INTO wrapped FROM ${commits} WHERE dict = ${dict} AND position = pos AND part = 0 AND CHAR_LENGTH(changes) < ${PART}
              AND NOT EXISTS (SELECT 1 FROM ${commits} more WHERE more.dict = ${dict} AND more.position = pos AND more.part = 1);
          END IF;
          IF wrapped IS NOT NULL AND CHAR_LENGTH(its_change) < ${PART} THEN
            UPDATE ${commits} SET changes = CONCAT(LEFT(wrapped, CHAR_LENGTH(wrapped) - 1), ',', its_change, ']'), entry_key = NULL, nonce = token
              WHERE dict = ${dict} AND position = pos AND part = 0;
          ELSE
            SET pos = pos + 1, part_no = 0, wrapped = CONCAT('[', its_change, ']');
            WHILE part_no * ${PART} < CHAR_LENGTH(wrapped) DO
              REPLACE INTO ${commits} (dict, position, part, format, number, nonce, at, author, reason, via, entry_key, changes)
                VALUES (${dict}, pos, part_no, 1, head_number, token, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000, author, why, 'sql', key_text,
                  CONCAT(IF(part_no > 0, '+', ''), SUBSTRING(wrapped, part_no * ${PART} + 1, ${PART})));
              SET part_no = part_no + 1;
            END WHILE;
          END IF;
          IF pos - lost > 2 * most AND pos % 64 = 0 THEN
            SET low = GREATEST(low, pos - most);
            DELETE FROM ${commits} WHERE dict = ${dict} AND position <= low;
            SELECT pos - COUNT(*) INTO lost FROM ${commits} WHERE dict = ${dict} AND part = 0 AND position > low AND position <= pos;
          END IF;
          SET past = JSON_SET(IF(is_valid, past, '{}'), '$.format', 1, '$.epoch', its_epoch, '$.position', pos, '$.floor', low, '$.gone', lost,
            '$.nonce', token);
        END IF;
        UPDATE ${heads} SET number = head_number, nonce = token, bytes = head_bytes, history = past, dropped = IF(is_new, NULL, dropped) WHERE dict = ${dict};
        IF head_number % 64 = 0 THEN
          DELETE FROM ${changes} WHERE dict = ${dict} AND (number <= head_number - 10000 OR bytes <= head_bytes - 8388608);
        END IF;
      END IF;`
}
