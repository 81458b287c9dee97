import { DurableDictError } from '../../errors/errors.js'
import { now, delay as pause } from '../../time/clock.js'
import { warn } from '../../warnings/warnings.js'
import { isConflict, isCreatedMeanwhile } from '../sql/error-kinds.js'
import { escapeText } from '../sql/escape.js'
import { checkEncoding } from './answers.js'
import { type Cells, NotSent, type PostgresClient, type Statement } from './clients/client.js'
import { isAnswer, isMissing, isPoolers, notRead } from './faults.js'
import { FAULTS, GRACE, LONGEST_PAUSE } from './limits.js'
import { creation } from './migration.js'
import { type Statements, statementsIn } from './statements.js'
import { ASCII, type TextForm, UTF8 } from './stored-form.js'

export interface ExecutionOptions {
  readonly client: PostgresClient
  readonly dictionary: string
  readonly schemaName: string
  /** In ms. */
  readonly timeout: number
}

/** How a dictionary's text is written to its database. */
export interface Target {
  /** The dictionary's name as the tables have it. */
  readonly stored: string
  readonly form: TextForm
  /** Whether edits with SQL are followed. */
  readonly hasTriggers: boolean
}

/** Runs the statements of one dictionary: creates the tables if they are missing, and tries again what may pass. */
export class Execution {
  readonly options: ExecutionOptions
  readonly statements: Statements
  /** Whether nothing may be written. */
  onlyReads = false
  #target: Promise<Target> | undefined
  /** Whether the database keeps prepared statements for this client. */
  #prepares = true

  constructor(options: ExecutionOptions) {
    this.options = options
    this.statements = statementsIn(options.schemaName)
  }

  /** Asked once. */
  target(): Promise<Target> {
    this.#target ??= this.#ask().catch(error => {
      this.#target = undefined
      throw error
    })
    return this.#target
  }

  /** Runs a statement that may be repeated. */
  async query(statement: Statement): Promise<readonly Cells[]> {
    const { timeout, dictionary, schemaName } = this.options
    const end = now() + timeout
    for (let faults = 0; ; ) {
      try {
        return await this.send(statement)
      } catch (error) {
        if (error instanceof DurableDictError || now() > end) throw error
        const mayPass = isConflict(error)
        if (!mayPass) faults += 1
        if (faults > FAULTS || (isAnswer(error) && !mayPass)) {
          throw notRead(error instanceof NotSent ? error.cause : error, dictionary, schemaName)
        }
        await pause(Math.random() * LONGEST_PAUSE)
      }
    }
  }

  /** Runs a statement once. Tables that are missing are created, unless only reads are allowed. */
  async send(statement: Statement, signal?: AbortSignal): Promise<readonly Cells[]> {
    const { client, timeout } = this.options
    for (let isCreated = false; ; ) {
      const { name, ...unnamed } = statement
      try {
        return await client.run(this.#prepares ? statement : unnamed, signal, timeout + GRACE)
      } catch (error) {
        if (name !== undefined && this.#prepares && isPoolers(error)) {
          this.#prepareNoMore()
          continue
        }
        if (!isMissing(error) || isCreated || this.onlyReads) throw error
        await this.#create(signal)
        isCreated = true
      }
    }
  }

  async #ask(): Promise<Target> {
    const { client, dictionary, schemaName } = this.options
    const [row] = await this.query({ text: this.statements.facts })
    checkEncoding(row?.[0], dictionary)
    if (row?.[2] === 'false') warnOfTriggers(dictionary, schemaName)
    const form = row?.[1] === 'UTF8' ? { ...UTF8, unsafe: client.unsafe ?? UTF8.unsafe } : ASCII
    return { form, stored: escapeText(dictionary, form.unsafe), hasTriggers: row?.[2] !== 'false' }
  }

  /** Processes take turns. */
  async #create(signal: AbortSignal | undefined): Promise<void> {
    const { client, schemaName, timeout } = this.options
    try {
      await client.run({ text: creation(schemaName) }, signal, timeout + GRACE)
    } catch (error) {
      if (!isCreatedMeanwhile(error)) throw error
    }
  }

  #prepareNoMore(): void {
    this.#prepares = false
    const { dictionary } = this.options
    warn(
      'DURABLEDICT_POOLER',
      `Dictionary "${dictionary}" is behind a pooler that loses prepared statements (PgBouncer in transaction mode): it sends each ` +
        'statement whole from now on. Set max_prepared_statements in PgBouncer, or connect to the server directly.',
      { source: dictionary },
    )
  }
}

function warnOfTriggers(dictionary: string, schemaName: string): void {
  warn(
    'DURABLEDICT_TRIGGERS',
    `Dictionary "${dictionary}" does not follow edits with SQL: the triggers of durabledict_entries in the schema "${schemaName}" are missing or ` +
      'disabled. Run the statements of migration() from durabledict/postgres, or enable the triggers.',
    { source: dictionary },
  )
}
