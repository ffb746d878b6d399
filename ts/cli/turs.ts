/** `sgring turs`: whether a unit is ready, and how fast it says so. */

import { statusError } from '../initiator/status-error.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { testUnitReady } from '../scsi/inquiry.ts'
import { requestSense } from '../scsi/request-sense.ts'
import { Status } from '../task/command.ts'
import { isDevice } from './device-claim.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { StatusLine } from './progress.ts'
import { parseCount } from './quantity.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, type Call, CONNECTING, type Verb, verb } from './verb.ts'

const DRAW_EVERY = 1024

/** What came of the commands. */
interface Outcome {
  readonly commands: number
  readonly errors: number
  readonly seconds: number
  /** What the first of the errors was. */
  readonly first: Error | undefined
}

export const turs: Verb = verb({
  name: 'sgring turs',
  summary: 'whether a unit is ready',
  usage: 'ADDRESS [--number N] [--time] [--timeout SECONDS] [--json]',
  about: [
    'Sends TEST UNIT READY (SPC-4 6.47), one after the other, and prints what sg_turs prints. The exit code is that of the first that failed: 2 is not ready, 6 a unit attention. Whatever they meet, all N are sent.',
    'On a ring, the unit attention that every new nexus meets first, POWER ON, is taken away before: it tells of this connection, and nothing of the unit.',
  ],
  operands: { ADDRESS },
  options: {
    number: { type: 'string', value: 'N', help: 'how many are sent; default: 1' },
    time: { type: 'boolean', help: 'print how long they took, and how many that is in a second' },
    ...CONNECTING,
  },
  examples: [
    ['sgring turs ring:disk', 'in silence, if the unit is ready'],
    ['sgring turs ring:disk --number 10000 --time', 'what a round trip takes'],
    ['sgring turs ring:disk/1 --json', 'one line for a program'],
    ['sgring turs /dev/sg0 --number 100 --time', 'to a device, and back'],
  ],
  async run(call) {
    const { number, time = false } = call.values
    const count = number === undefined ? 1 : parseNumber(number)
    const outcome = await withUnit(call, (unit, options) => send(call, unit, options, count))
    process.stdout.write(call.json ? asJson(outcome) : lines(outcome, time))
    if (outcome.first !== undefined) throw outcome.first
  },
})

function parseNumber(text: string): number {
  const number = parseCount('--number', text)
  if (number > 0n && number <= Number.MAX_SAFE_INTEGER) return Number(number)
  throw new CliError(ExitCode.SYNTAX, `--number is 1 or more, not '${text}'`)
}

async function send(
  { operands: [address = ''], json }: Pick<Call, 'operands' | 'json'>,
  unit: LogicalUnit,
  options: HelperOptions,
  count: number,
): Promise<Outcome> {
  const line = new StatusLine({ silent: json })
  if (!isDevice(address)) await unit.run(requestSense(), options)
  const { cdb } = testUnitReady()
  let errors = 0
  let first: Error | undefined
  const started = performance.now()
  try {
    for (let sent = 0; sent < count; sent++) {
      const response = await unit.execute({ ...options, cdb })
      if (response.status !== Status.GOOD) {
        errors++
        first ??= statusError(response)
      }
      if (sent % DRAW_EVERY === DRAW_EVERY - 1) line.show(`${sent + 1} of ${count}`)
    }
  } finally {
    line.end()
  }
  return { commands: count, errors, seconds: (performance.now() - started) / 1000, first }
}

function asJson({ commands, errors, seconds }: Outcome): string {
  return jsonLine({ commands, errors, seconds, commandsPerS: Math.round(commands / seconds) })
}

/** In the words of sg_turs. */
function lines({ commands, errors, seconds }: Outcome, time: boolean): string {
  const took = `time to perform commands was ${seconds.toFixed(6)} secs; ${Math.floor(commands / seconds)} operations/sec\n`
  const completed = `Completed ${commands} Test Unit Ready commands with ${errors} errors\n`
  return (time ? took : '') + (commands > 1 ? completed : '')
}
