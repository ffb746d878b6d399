/** How a verb is run from its command line to its exit code. */

import { parseArgs } from 'node:util'
import { CliError, ExitCode, exitCodeOf } from './exit-code.ts'
import { verbHelp } from './help.ts'
import { errorLine } from './output.ts'
import { type Call, COMMON, type Values, type Verb } from './verb.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs a verb with its arguments, and leaves the exit code in `process.exitCode`. */
export function runVerb(verb: Verb, args: readonly string[]): Promise<void> {
  return runBody(args, async (signal) => {
    const parsed = parse(verb, args)
    if (parsed === 'help') process.stdout.write(verbHelp(verb))
    else await verb.run({ ...parsed, signal })
  })
}

/** Runs what the process is there for, once, and leaves the exit code in `process.exitCode`. `signal` ends it early. */
export async function runBody(
  args: readonly string[],
  body: (signal: AbortSignal) => void | Promise<void>,
): Promise<void> {
  const ending = new Ending(args.includes('--json'))
  try {
    await body(ending.signal)
    process.exitCode ??= ExitCode.SUCCESS
  } catch (error) {
    ending.tell(error)
  }
  ending.finish()
}

function parse(verb: Verb, args: readonly string[]): Omit<Call, 'signal'> | 'help' {
  if (args.includes('--help')) return 'help'
  const { values, positionals, tokens } = strictly(verb, args)
  const names = Object.keys(verb.operands)
  const missing = names[positionals.length]
  if (missing !== undefined && !missing.startsWith('[')) {
    throw syntax(verb, `${missing} is missing`)
  }
  const extra = positionals[names.length]
  if (extra !== undefined && names.at(-1)?.endsWith('…') !== true) {
    throw syntax(verb, `unexpected argument '${extra}'`)
  }
  return {
    operands: positionals,
    values: values as Values<Verb['options']>,
    given: tokens.flatMap((token) =>
      token.kind === 'option' ? [{ name: token.name, value: token.value }] : [],
    ),
    json: values.json === true,
  }
}

function strictly(verb: Verb, args: readonly string[]) {
  const options = { ...verb.options, ...COMMON }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true })
  } catch (error) {
    // Node's advice about `--` is left out.
    const [said = ''] = String((error as Error).message).split(/\.(?: |\n)|\n/)
    throw syntax(verb, said)
  }
}

function syntax(verb: Verb, what: string): CliError {
  return new CliError(ExitCode.SYNTAX, `${what} (see ${verb.name} --help)`)
}

/**
 * What ends a verb from outside: a signal, or a stdout that takes no more. The second signal ends the process at once.
 * Node sets an ignored SIGHUP back to its default before this runs: nohup(1) protects no Node program, with or without this listener.
 */
class Ending {
  readonly #controller = new AbortController()
  readonly #json: boolean
  #by: NodeJS.Signals | undefined
  #told = false

  constructor(json: boolean) {
    this.#json = json
    for (const signal of SIGNALS) process.on(signal, this.#end)
    // It may come late, after a write that seemed to have gone well, even after the verb's end: then the exit code is changed.
    process.stdout.on('error', (error) => {
      this.tell(error)
      this.#controller.abort()
    })
    // Nobody is left to be told.
    process.stderr.on('error', () => {})
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Tells the first error, one line on stderr, and leaves its exit code. What fails because it is to end is none. */
  tell(error: unknown): void {
    if (this.#by !== undefined || this.#told) return
    this.#told = true
    const code = exitCodeOf(error)
    process.exitCode = code
    if (code !== ExitCode.BROKEN_PIPE) process.stderr.write(errorLine(error, this.#json))
  }

  /** Ends as the signal would have ended it, unless the verb took it for its normal end. */
  finish(): void {
    this.#defaultSignals()
    if (this.#by !== undefined && process.exitCode === undefined)
      process.kill(process.pid, this.#by)
  }

  readonly #end = (by: NodeJS.Signals): void => {
    this.#by = by
    this.#defaultSignals()
    this.#controller.abort()
  }

  #defaultSignals(): void {
    for (const signal of SIGNALS) process.off(signal, this.#end)
  }
}
