/**
 * What is written as JSON, and how it is checked: `config.schema.json` of the package is the one place that says it, for these checks,
 * for editors, and for `sgring serve --schema`.
 */

import { readFileSync } from 'node:fs'
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { nearest } from './nearest.ts'

/** The schema, as it stands in the package. */
export function schemaText(): string {
  return readFileSync(new URL('../../../config.schema.json', import.meta.url), 'utf8')
}

/** A check of JSON values. */
export type Check = (value: unknown) => readonly string[]

/**
 * Compiles a check, with which all errors of a value are found at once, in the order of the schema.
 *
 * @param schema may refer to `config` and `config#/$defs/unit`
 */
export async function compile(schema: object): Promise<Check> {
  // Here, as it takes longer to load than the rest of a verb.
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    discriminator: true,
    allowUnionTypes: true,
    strictRequired: false,
  })
  ajv.addSchema(JSON.parse(schemaText()), 'config')
  const validate: ValidateFunction = ajv.compile(schema)
  return (value) => {
    if (validate(value)) return []
    const problems = new Set((validate.errors ?? []).flatMap(problemOf))
    return problems.size > 0 ? [...problems] : [ajv.errorsText(validate.errors)]
  }
}

/** One error in words. Of alternatives that ask for a key each, the `oneOf` tells, and of what is no object, its type. */
function problemOf(error: ErrorObject): string[] {
  const { keyword, parentSchema = {}, instancePath, params, data } = error
  if (keyword === 'required' && Object.keys(parentSchema).length === 1) return []
  if (keyword === 'oneOf' && typeof data !== 'object') return []
  // It is missing: that is told.
  if (keyword === 'discriminator' && params.tagValue === undefined) return []
  const { additionalProperty, missingProperty, property } = params
  const path = placeOf(instancePath, additionalProperty ?? property ?? inRequired(error))
  const text = keyword === 'dependentRequired' ? `goes with ${missingProperty} only` : textOf(error)
  return [path === '' ? text : `${path}: ${text}`]
}

/** `/units/3/lun` as `units[3].lun`, with a key more if there is one. */
function placeOf(pointer: string, key: string | undefined): string {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return [...keys, ...(key === undefined ? [] : [key])]
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')
}

function inRequired({ keyword, params }: ErrorObject): string | undefined {
  return keyword === 'required' ? params.missingProperty : undefined
}

function textOf(error: ErrorObject): string {
  const { keyword, params, parentSchema = {}, schemaPath, data, message } = error
  const shown = shownShort(data)
  switch (keyword) {
    case 'additionalProperties': {
      const names = Object.keys(parentSchema.properties ?? {})
      const near = nearest(params.additionalProperty, names)
      return near === undefined
        ? 'there is no such key'
        : `there is no such key; did you mean ${near}?`
    }
    case 'required':
      return 'is missing'
    case 'oneOf':
      return `takes one of ${namesOf(parentSchema.oneOf).join(', ')}`
    case 'minimum':
      return `${shown} is less than ${params.limit}`
    case 'maximum':
      return `${shown} is more than ${params.limit}`
    case 'maxItems':
      return `has more than ${params.limit} items`
    case 'enum':
      return `${shown} is not ${params.allowedValues.join(' or ')}`
    case 'discriminator':
      return `${shownShort(params.tagValue)} is not known`
    case 'false schema':
      return `does not go with ${/dependentSchemas\/(\w+)/.exec(schemaPath)?.[1]}`
    case 'type':
    case 'pattern':
    case 'minLength':
      return `${shown} is not ${parentSchema.title ?? KINDS[params.type] ?? 'possible'}`
    default:
      return `${shown} ${message}`
  }
}

const KINDS: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  boolean: 'true or false',
  string: 'a string',
  object: 'an object',
  array: 'a list',
}

/** Of alternatives that require a key each. */
function namesOf(alternatives: readonly { required?: readonly string[] }[]): string[] {
  return alternatives.flatMap(({ required = [] }) => required)
}

function shownShort(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`
}
