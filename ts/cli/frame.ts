/** How a verb is run from its command line to its exit code. */

import { parseArgs } from 'node:util'
import { CliError, ExitCode, exitCodeOf } from './exit-code.ts'
import { verbHelp } from './help.ts'
import { errorLine } from './output.ts'
import { type Call, COMMON, type Values, type Verb } from './verb.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs a verb with its arguments, and leaves the exit code in `process.exitCode`. */
export async function runVerb(verb: Verb, args: readonly string[]): Promise<void> {
  const ending = new Ending()
  try {
    const parsed = parse(verb, args)
    if (parsed === 'help') process.stdout.write(verbHelp(verb))
    else await verb.run({ ...parsed, signal: ending.signal })
    process.exitCode ??= ExitCode.SUCCESS
  } catch (error) {
    if (!ending.signal.aborted) fail(error, args.includes('--json'))
  }
  ending.finish()
}

/** Tells an error, one line on stderr, and leaves its exit code. */
export function fail(error: unknown, json: boolean): void {
  const code = exitCodeOf(error)
  process.exitCode = code
  if (code !== ExitCode.BROKEN_PIPE) process.stderr.write(errorLine(error, json))
}

function parse(verb: Verb, args: readonly string[]): Omit<Call, 'signal'> | 'help' {
  if (args.includes('--help')) return 'help'
  const { values, positionals, tokens } = strictly(verb, args)
  const names = Object.keys(verb.operands)
  const missing = names[positionals.length]
  if (missing !== undefined) throw syntax(verb, `${missing} is missing`)
  const extra = positionals[names.length]
  if (extra !== undefined) throw syntax(verb, `unexpected argument '${extra}'`)
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

/** What ends a verb from outside: a signal, or a reader of stdout who has gone. The second signal ends the process at once. */
class Ending {
  readonly #controller = new AbortController()
  #by: NodeJS.Signals | 'EPIPE' | undefined

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#end)
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.#end('EPIPE')
    })
    // Nobody is left to be told.
    process.stderr.on('error', () => {})
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends as the signal would have ended it, unless the verb took it for its normal end. */
  finish(): void {
    this.#defaultSignals()
    if (this.#by === 'EPIPE') process.exitCode = ExitCode.BROKEN_PIPE
    else if (this.#by !== undefined && process.exitCode === undefined)
      process.kill(process.pid, this.#by)
  }

  readonly #end = (by: NodeJS.Signals | 'EPIPE'): void => {
    if (this.#by !== undefined) return
    this.#by = by
    this.#defaultSignals()
    this.#controller.abort()
  }

  #defaultSignals(): void {
    for (const signal of SIGNALS) process.off(signal, this.#end)
  }
}
