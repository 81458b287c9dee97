// @ts-check
import { TABLE } from '../../worker/stores/models/models.js'

const TEXT = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL'

/** Creates the model's table. */
export const SETUP = `CREATE TABLE ${TABLE} (\`key\` varchar(512) ${TEXT} PRIMARY KEY, value longtext ${TEXT})`

export const ENTRIES = TABLE

export const HEADS = 'durabledict_model_versions'

/** What belongs together in a backup. Triggers of the first table write to the others. */
export const TABLES = [
  ENTRIES,
  HEADS,
  'durabledict_model_changes',
  'durabledict_model_commits',
  'durabledict_model_replicas',
]

/** Of the keys and JSON texts. */
export const UPSERT = `INSERT INTO ${ENTRIES} (\`key\`, value) VALUES ? ON DUPLICATE KEY UPDATE value = VALUES(value)`
