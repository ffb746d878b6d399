/** What a verb is: what its help tells, what it takes, and what it does. */

/** An option of the command line. */
export interface Option {
  readonly type: 'string' | 'boolean'
  /** May stand several times. */
  readonly multiple?: boolean
  /** What stands for its value in the help; for a string. */
  readonly value?: string
  readonly help: string
}

export type Options = Readonly<Record<string, Option>>

/** The values of options, by their names. */
export type Values<O extends Options> = {
  readonly [K in keyof O]?: O[K]['type'] extends 'boolean'
    ? boolean
    : O[K]['multiple'] extends true
      ? readonly string[]
      : string
}

/** One run of a verb. */
export interface Call<O extends Options = Options> {
  /** In their order; those that may be left out may be missing at the end. */
  readonly operands: readonly string[]
  readonly values: Values<O>
  /** The options as they were given, in order. */
  readonly given: readonly { readonly name: string; readonly value: string | undefined }[]
  /** Output is for a program. */
  readonly json: boolean
  /** Fires on the first Ctrl-C and the like, and when whoever reads stdout has gone. */
  readonly signal: AbortSignal
}

export interface Verb<O extends Options = Options> {
  /** How it is called: `sgring read`. */
  readonly name: string
  /** What it does, in a few words. */
  readonly summary: string
  /** What follows its name. */
  readonly usage: string
  /** What there is to know, a paragraph each. */
  readonly about: readonly string[]
  /** Operands, with their help: `ADDRESS`, `[B]` for a last one that may be left out, `CDB…` for a last one of any number. */
  readonly operands: Readonly<Record<string, string>>
  readonly options: O
  /** Command lines, each with what it does. All of them run in the tests. */
  readonly examples: readonly (readonly [command: string, what: string])[]
  /** Does it. What it throws ends the process with the exit code of that error. */
  run(call: Call<O>): Promise<void>
}

/** Gives a verb's `run` the types of its options. */
export function verb<const O extends Options>(definition: Verb<O>): Verb {
  return definition as unknown as Verb
}

/** What every verb takes. */
export const COMMON: Options = {
  json: { type: 'boolean', help: 'output for programs: one line of JSON; errors too, on stderr' },
  help: { type: 'boolean', help: 'this text' },
}

/** What every verb takes that connects to a unit. */
export const CONNECTING: Readonly<Record<'timeout', Option & { readonly type: 'string' }>> = {
  timeout: {
    type: 'string',
    value: 'SECONDS',
    help: 'give up when a command is not answered in time; default: 5 to connect, then 60',
  },
}

/** What every verb takes that can change a device. */
export const CHANGING: Readonly<Record<'yes', Option & { readonly type: 'boolean' }>> = {
  yes: {
    type: 'boolean',
    help: 'a device is meant to be changed: without it, none is',
  },
}

export const ADDRESS =
  'the unit: ring:NAME, ring:NAME/LUN, ring:/path.sock or ring:/path.sock?lun=N, LUN 0 by default; or a device: /dev/bsg/H:C:T:L, /dev/sgN, /dev/sdX'

/** What such verbs say of devices in their help. */
export const DEVICES =
  'A device is changed only with --yes, and never while it is mounted, swap, or held by another device; the verb names which.'
