import { useEffect, useId, useState } from 'preact/hooks'
import { jsonFault, pretty } from './json-text'
import type { Issue, JsonSchema } from './types'

/** What a field edits. */
interface FieldProps {
  readonly label: string
  readonly schema: JsonSchema
  /** The schema that `$ref` refers to. */
  readonly root: JsonSchema
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  /** Called with whether the text of the field is a value. */
  readonly onValid: (path: string, isValid: boolean) => void
  readonly path: readonly (string | number)[]
  readonly issues: readonly Issue[]
  readonly disabled: boolean
}

/** Whether a form is of use for this schema: a whole value that is edited as JSON needs none. */
export function hasForm(schema: JsonSchema): boolean {
  return kindOf(resolved(schema, schema)) !== 'json'
}

type Kind = 'switch' | 'choice' | 'number' | 'text' | 'object' | 'json'

function kindOf(schema: JsonSchema): Kind {
  if (choicesOf(schema)) return 'choice'
  if (schema.type === 'boolean') return 'switch'
  if (schema.type === 'number' || schema.type === 'integer') return 'number'
  if (schema.type === 'string') return 'text'
  if (schema.type === 'object' && schema.properties) return 'object'
  return 'json'
}

function choicesOf(schema: JsonSchema): readonly unknown[] | undefined {
  if (schema.enum) return schema.enum
  if ('const' in schema) return [schema.const]
  const options = schema.anyOf ?? schema.oneOf
  const choices = options?.flatMap(one => choicesOf(one) ?? [])
  return choices && choices.length >= (options?.length ?? 0) && choices.length > 0 ? choices : undefined
}

/** Follows references within the schema. */
function resolved(schema: JsonSchema, root: JsonSchema, depth = 0): JsonSchema {
  const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(schema.$ref ?? '')?.[1]
  const target = name === undefined ? undefined : root.$defs?.[decodeURIComponent(name)]
  return target && depth < 10 ? resolved(target, root, depth + 1) : schema
}

/** A form for a value by its schema. */
export function Field(props: FieldProps) {
  const schema = resolved(props.schema, props.root)
  const own = { ...props, schema }
  const kind = kindOf(schema)
  if (kind === 'object' && isRecord(props.value)) return <ObjectField {...own} value={props.value} />
  if (kind === 'switch' && typeof props.value === 'boolean') return <SwitchField {...own} />
  if (kind === 'choice') return <ChoiceField {...own} />
  if (kind === 'number' && typeof props.value === 'number') return <NumberField {...own} />
  if (kind === 'text' && typeof props.value === 'string') return <TextField {...own} />
  return <JsonField {...own} />
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function Faults({ id, issues, path }: { id: string; issues: readonly Issue[]; path: readonly (string | number)[] }) {
  const own = issues.filter(
    issue => issue.path.length === path.length && issue.path.every((part, at) => String(part) === String(path[at])),
  )
  return (
    <span id={id} class="fault">
      {own.map(issue => issue.message).join('; ')}
    </span>
  )
}

function Labelled({ id, props, children }: { id: string; props: FieldProps; children: preact.ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{props.schema.title ?? props.label}</label>
      {children}
      {props.schema.description ? <small>{props.schema.description}</small> : null}
      <Faults id={`${id}-fault`} issues={props.issues} path={props.path} />
    </div>
  )
}

function SwitchField(props: FieldProps) {
  const id = useId()
  return (
    <Labelled id={id} props={props}>
      <input
        id={id}
        type="checkbox"
        role="switch"
        aria-checked={props.value === true}
        checked={props.value === true}
        disabled={props.disabled}
        aria-describedby={`${id}-fault`}
        onChange={event => props.onChange(event.currentTarget.checked)}
      />
    </Labelled>
  )
}

function ChoiceField(props: FieldProps) {
  const id = useId()
  const choices = choicesOf(props.schema) ?? []
  const at = choices.findIndex(one => JSON.stringify(one) === JSON.stringify(props.value))
  return (
    <Labelled id={id} props={props}>
      <select
        id={id}
        disabled={props.disabled}
        aria-describedby={`${id}-fault`}
        value={String(at)}
        onChange={event => props.onChange(choices[Number(event.currentTarget.value)])}
      >
        {at < 0 ? <option value="-1">{JSON.stringify(props.value) ?? '—'}</option> : null}
        {choices.map((one, index) => (
          <option key={index} value={String(index)}>
            {typeof one === 'string' ? one : JSON.stringify(one)}
          </option>
        ))}
      </select>
    </Labelled>
  )
}

function limitsOf(schema: JsonSchema) {
  const safe = (limit: number | undefined) =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER ? limit : undefined
  const min = safe(schema.minimum ?? schema.exclusiveMinimum)
  const max = safe(schema.maximum ?? schema.exclusiveMaximum)
  const range =
    min !== undefined && max !== undefined
      ? `from ${min} to ${max}`
      : min !== undefined
        ? `from ${min}`
        : max !== undefined
          ? `to ${max}`
          : ''
  return { min, max, range, step: schema.multipleOf ?? (schema.type === 'integer' ? 1 : 'any') }
}

function NumberField(props: FieldProps) {
  const id = useId()
  const { min, max, range, step } = limitsOf(props.schema)
  const name = props.path.join('.')
  useEffect(() => () => props.onValid(name, true), [])
  return (
    <Labelled id={id} props={props}>
      <input
        id={id}
        type="number"
        min={min}
        max={max}
        step={step}
        value={String(props.value)}
        disabled={props.disabled}
        aria-describedby={`${id}-fault`}
        onInput={event => {
          const { value, validity } = event.currentTarget
          props.onValid(name, value !== '' && validity.valid)
          if (value !== '') props.onChange(Number(value))
        }}
      />
      {range ? <small>{range}</small> : null}
    </Labelled>
  )
}

function TextField(props: FieldProps) {
  const id = useId()
  return (
    <Labelled id={id} props={props}>
      <textarea
        id={id}
        rows={String(props.value).includes('\n') ? 6 : 1}
        maxLength={props.schema.maxLength}
        value={String(props.value)}
        disabled={props.disabled}
        aria-describedby={`${id}-fault`}
        onInput={event => props.onChange(event.currentTarget.value)}
      />
    </Labelled>
  )
}

/** Everything else is JSON, with the place of its fault. */
function JsonField(props: FieldProps) {
  const id = useId()
  const [text, setText] = useState(() => (props.value === undefined ? '' : pretty(JSON.stringify(props.value))))
  const name = props.path.join('.')
  const fault = jsonFault(text)
  useEffect(() => {
    props.onValid(name, !fault)
    return () => props.onValid(name, true)
  }, [fault?.offset])
  return (
    <Labelled id={id} props={props}>
      <textarea
        id={id}
        class="code"
        rows={Math.min(12, text.split('\n').length + 1)}
        spellcheck={false}
        value={text}
        disabled={props.disabled}
        aria-describedby={`${id}-fault`}
        onInput={event => {
          setText(event.currentTarget.value)
          if (!jsonFault(event.currentTarget.value)) props.onChange(JSON.parse(event.currentTarget.value))
        }}
      />
      {fault ? <span class="fault">{`Line ${fault.line}, column ${fault.column}: ${fault.message}.`}</span> : null}
    </Labelled>
  )
}

function ObjectField({ value, ...props }: FieldProps & { readonly value: Readonly<Record<string, unknown>> }) {
  const { properties = {}, required = [] } = props.schema
  const others = Object.keys(value).filter(name => !Object.hasOwn(properties, name))
  const id = useId()
  const change = (name: string, member: unknown) => {
    const next = Object.fromEntries(Object.entries({ ...value, [name]: member }).filter(([, one]) => one !== undefined))
    props.onChange(next)
  }
  return (
    <fieldset>
      <legend>{props.schema.title ?? props.label}</legend>
      {Object.entries(properties).map(([name, schema]) => {
        const isSet = Object.hasOwn(value, name)
        const isOptional = !required.includes(name)
        return (
          <div key={name} class="member">
            {isSet ? (
              <Field
                {...props}
                label={name}
                schema={schema}
                value={value[name]}
                path={[...props.path, name]}
                onChange={member => change(name, member)}
              />
            ) : (
              <p class="quiet">{name}: not set</p>
            )}
            {isOptional && !props.disabled ? (
              <button
                type="button"
                class="small"
                aria-label={isSet ? `Remove ${name}` : `Set ${name}`}
                onClick={() => change(name, isSet ? undefined : initial(resolved(schema, props.root)))}
              >
                {isSet ? 'Remove' : 'Set'}
              </button>
            ) : null}
          </div>
        )
      })}
      {others.length > 0 ? <p class="quiet">Other members, which only the JSON shows: {others.join(', ')}</p> : null}
      <Faults id={`${id}-fault`} issues={props.issues} path={props.path} />
    </fieldset>
  )
}

/** The value that a field begins with. */
export function initial(schema: JsonSchema): unknown {
  const kind = kindOf(schema)
  if (kind === 'choice') return choicesOf(schema)?.[0]
  if (kind === 'switch') return false
  if (kind === 'number') return limitsOf(schema).min ?? 0
  if (kind === 'text') return ''
  if (kind === 'object') {
    const names = schema.required ?? []
    return Object.fromEntries(names.map(name => [name, initial(schema.properties?.[name] ?? {})]))
  }
  return schema.type === 'array' ? [] : null
}
