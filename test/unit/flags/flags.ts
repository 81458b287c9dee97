import {
  type Client,
  type EvaluationDetails,
  type FlagValue,
  type JsonValue,
  OpenFeature,
} from '@openfeature/server-sdk'
import { onTestFinished } from 'vitest'
import { DurableDictProvider, type DurableDictProviderOptions, type FlagDictionary } from '../../../src/openfeature.js'

const OBJECT = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 }

/** A definition in the format of flagd. */
function flag(variants: Readonly<Record<string, unknown>>, defaultVariant: string, more = {}) {
  return { state: 'ENABLED', variants, defaultVariant, ...more }
}

const forBallmer = { targeting: { if: [{ '==': [{ var: 'email' }, 'ballmer@macrosoft.com'] }, 'zero', null] } }

/** The flags that the scenarios of the OpenFeature specification name. */
export const FLAGS: Readonly<Record<string, unknown>> = {
  'boolean-flag': flag({ on: true, off: false }, 'on'),
  'string-flag': flag({ greeting: 'hi', parting: 'bye' }, 'greeting'),
  'integer-flag': flag({ one: 1, ten: 10 }, 'ten'),
  'float-flag': flag({ tenth: 0.1, half: 0.5 }, 'half'),
  'object-flag': flag({ empty: {}, template: OBJECT }, 'template'),
  'boolean-zero-flag': flag({ zero: false, 'non-zero': true }, 'zero'),
  'string-zero-flag': flag({ zero: '', 'non-zero': 'str' }, 'zero'),
  'integer-zero-flag': flag({ zero: 0, 'non-zero': 1 }, 'zero'),
  'float-zero-flag': flag({ zero: 0.0, 'non-zero': 1.0 }, 'zero'),
  'object-zero-flag': flag({ zero: {}, 'non-zero': OBJECT }, 'zero'),
  'boolean-targeted-zero-flag': flag({ zero: false, 'non-zero': true }, 'zero', forBallmer),
  'string-targeted-zero-flag': flag({ zero: '', 'non-zero': 'str' }, 'zero', forBallmer),
  'integer-targeted-zero-flag': flag({ zero: 0, 'non-zero': 1 }, 'zero', forBallmer),
  'float-targeted-zero-flag': flag({ zero: 0.0, 'non-zero': 1.0 }, 'zero', forBallmer),
  'object-targeted-zero-flag': flag({ zero: {}, 'non-zero': OBJECT }, 'zero', forBallmer),
  'context-aware': flag({ internal: 'INTERNAL', external: 'EXTERNAL' }, 'external', {
    targeting: { if: [{ '===': [{ var: 'customer' }, false] }, 'internal', 'external'] },
  }),
  'targeting-key-flag': flag({ miss: 'miss', hit: 'hit' }, 'miss', {
    targeting: { if: [{ '==': [{ var: 'targetingKey' }, '5c3d8535-f81a-4478-a6d3-afaa4d51199e'] }, 'hit', null] },
  }),
  'wrong-flag': flag({ one: 'uno', two: 'dos' }, 'one'),
  'metadata-flag': flag({ on: true, off: false }, 'on', {
    metadata: { string: '1.0.2', integer: 2, float: 0.1, boolean: true },
  }),
  'large-integer-flag': flag({ 'max-int32': 2_147_483_647, zero: 0 }, 'max-int32'),
  'huge-integer-flag': flag({ huge: 9_007_199_254_740_991, zero: 0 }, 'huge'),
  'disabled-boolean-flag': flag({ on: true, off: false }, 'on', { state: 'DISABLED' }),
  'disabled-string-flag': flag({ greeting: 'hi' }, 'greeting', { state: 'DISABLED' }),
  'disabled-integer-flag': flag({ ten: 10 }, 'ten', { state: 'DISABLED' }),
  'disabled-float-flag': flag({ half: 0.5 }, 'half', { state: 'DISABLED' }),
}

let domains = 0

/** Registers a provider for a client of its own, until the test ends. */
export async function clientOf(
  dict: FlagDictionary,
  options?: DurableDictProviderOptions,
): Promise<{ client: Client; provider: DurableDictProvider; domain: string }> {
  const provider = new DurableDictProvider(dict, options)
  domains += 1
  const domain = `domain ${domains}`
  await OpenFeature.setProviderAndWait(domain, provider)
  onTestFinished(() => provider.onClose())
  return { client: OpenFeature.getClient(domain), provider, domain }
}

export type Type = 'Boolean' | 'String' | 'Integer' | 'Float' | 'Object'

/** Asks for a flag as the scenarios name types. */
export function evaluate(
  client: Client,
  type: Type,
  key: string,
  defaultValue: unknown,
  context = {},
): Promise<EvaluationDetails<FlagValue>> {
  if (type === 'Boolean') return client.getBooleanDetails(key, defaultValue as boolean, context)
  if (type === 'String') return client.getStringDetails(key, defaultValue as string, context)
  if (type === 'Object') return client.getObjectDetails(key, defaultValue as JsonValue, context)
  return client.getNumberDetails(key, defaultValue as number, context)
}
