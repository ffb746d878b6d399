/**
 * What a running server and `sgring admin` say to each other: a request a line, a reply a line, in JSON.
 *
 *     {"do": "show"}                                              {"result": {"config": {…}, "units": [{"lun": 0, …}], "confinement": {…}}}
 *     {"do": "add", "unit": {"memory": "64M", "thin": true}}      {"result": {"lun": 1}}
 *     {"do": "resize", "lun": 1, "bytes": "128M"}                 {"result": {"lun": 1, "bytes": 134217728}}
 *     {"do": "remove", "lun": 1, "force": true}                   {"error": {"code": "ERR_SGRING_…", "message": "…", "problems": []}}
 */

import type { RawUnit } from '../config/config.ts'
import { type Check, compile } from '../config/schema.ts'
import type { Confinement } from '../confine/confinement.ts'

/** What can be asked for. */
export type Request =
  | { readonly do: 'show' }
  | { readonly do: 'add'; readonly unit: RawUnit & { readonly lun?: number } }
  | { readonly do: 'remove'; readonly lun: number; readonly force?: boolean }
  | {
      readonly do: 'resize'
      readonly lun: number
      readonly bytes: number | string
      readonly force?: boolean
    }

/** What is answered, by what was asked for. */
export interface Results {
  readonly show: {
    /** As a file says it. */
    readonly config: Readonly<Record<string, unknown>>
    /** What a file does not say. */
    readonly units: readonly {
      readonly lun: number
      readonly bytes: number
      readonly block_length: number
      /** That its task set holds. */
      readonly commands: number
    }[]
    readonly confinement: Confinement
  }
  readonly add: { readonly lun: number }
  readonly remove: { readonly lun: number }
  readonly resize: { readonly lun: number; readonly bytes: number }
}

/** What stood in the way. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly problems?: readonly string[]
}

export type Reply = { readonly result: Results[keyof Results] } | { readonly error: Failure }

/** Bytes of a request at most: a unit with the longest path that there is. */
export const MAX_REQUEST_BYTES: number = 64 * 1024
/** Of a reply: 16,384 units, with paths as people have them. */
export const MAX_REPLY_BYTES: number = 64 * 1024 * 1024

const lun = { $ref: 'config#/$defs/unit/properties/lun' }
const count = { type: 'integer', minimum: 0 }
const force = { type: 'boolean' }

function message(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', additionalProperties: false, required, properties }
}

function request(what: string, properties: Readonly<Record<string, object>>) {
  return message({ do: { const: what }, ...properties }, ['force'])
}

const REQUEST = {
  type: 'object',
  title: 'a request',
  required: ['do'],
  discriminator: { propertyName: 'do' },
  oneOf: [
    request('show', {}),
    request('add', { unit: { $ref: 'config#/$defs/unit' } }),
    request('remove', { lun, force }),
    request('resize', { lun, bytes: { $ref: 'config#/$defs/size' }, force }),
  ],
}

const RESULTS: Readonly<Record<keyof Results, object>> = {
  show: message({
    config: { $ref: 'config' },
    units: {
      type: 'array',
      items: message({ lun, bytes: count, block_length: count, commands: count }),
    },
    confinement: message({
      landlock: count,
      no_new_privs: { type: 'boolean' },
      capabilities: { type: 'array', items: { type: 'string' } },
    }),
  }),
  add: message({ lun }),
  remove: message({ lun }),
  resize: message({ lun, bytes: count }),
}

const ERROR = message(
  {
    code: { type: 'string' },
    message: { type: 'string' },
    problems: { type: 'array', items: { type: 'string' } },
  },
  ['problems'],
)

let ofRequests: Promise<Check> | undefined

/** The check of requests. */
export function requestCheck(): Promise<Check> {
  ofRequests ??= compile(REQUEST)
  return ofRequests
}

/** The check of replies to a request. */
export function replyCheck(to: keyof Results): Promise<Check> {
  return compile({
    type: 'object',
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    properties: { result: RESULTS[to], error: ERROR },
  })
}
