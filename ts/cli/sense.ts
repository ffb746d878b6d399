/** `sgring sense`: sense data in words, a unit's or somebody's. */

import { requestSense } from '../scsi/request-sense.ts'
import { parseSense, type Sense } from '../scsi/sense.ts'
import { senseCodeName } from '../scsi/sense-code.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseHex } from './hex.ts'
import { jsonLine, table } from './output.ts'
import { senseRows } from './sense-text.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, type Call, CONNECTING, type Verb, verb } from './verb.ts'

const OPTIONS = {
  hex: { type: 'string', value: 'BYTES', help: 'decode these bytes, and ask no unit' },
  descriptor: { type: 'boolean', help: 'ask for descriptor format (DESC)' },
  ...CONNECTING,
} as const

export const sense: Verb = verb({
  name: 'sgring sense',
  summary: 'sense data in words',
  usage: '(ADDRESS [--descriptor] | --hex BYTES) [--timeout SECONDS] [--json]',
  about: [
    'Asks a unit by REQUEST SENSE (SPC-4 6.39), which takes a unit attention away that it tells; the one that every new nexus meets first, POWER ON, is what it tells mostly. Or decodes sense data from elsewhere, in fixed or descriptor format (SPC-5 4.4). The exit code is 0, whatever the sense data say.',
  ],
  operands: { '[ADDRESS]': ADDRESS },
  options: OPTIONS,
  examples: [
    ['sgring sense ring:disk', 'what LUN 0 has to say'],
    ['sgring sense /dev/sg0', 'what a device has'],
    ['sgring sense --hex "72 05 20 00 00 00 00 00"', 'bytes from a log'],
    ['sgring sense --hex f00003000012340a000000001100 --json', 'the same for a program'],
  ],
  async run(call) {
    const { hex } = call.values
    const found = hex === undefined ? await asked(call) : decoded(call, hex)
    const name = senseCodeName(found.asc, found.ascq)
    process.stdout.write(call.json ? jsonLine({ ...found, name }) : table(senseRows(found)))
  },
})

function asked(call: Call<typeof OPTIONS>): Promise<Sense> {
  if (call.operands.length === 0) {
    throw new CliError(ExitCode.SYNTAX, 'a unit or --hex is missing (see sgring sense --help)')
  }
  const { descriptor = false } = call.values
  return withUnit(call, (unit, options) => unit.run(requestSense({ descriptor }), options))
}

function decoded(call: Call<typeof OPTIONS>, hex: string): Sense {
  if (call.operands.length > 0) {
    throw new CliError(ExitCode.SYNTAX, '--hex asks no unit, and an address names one')
  }
  return parseSense(parseHex('--hex', hex))
}
