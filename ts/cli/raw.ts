/** `sgring raw`: any command. */

import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { statusError } from '../initiator/status-error.ts'
import type { HelperOptions, LogicalUnit } from '../initiator/unit.ts'
import { knownCommand } from '../scsi/effect.ts'
import { requestSense } from '../scsi/request-sense.ts'
import { parseSense } from '../scsi/sense.ts'
import { findDevice } from '../sg/discovery.ts'
import { type Response, Status } from '../task/command.ts'
import { nameOfCdb } from './command-name.ts'
import { isDevice } from './device-claim.ts'
import { CliError, ExitCode, exitCodeOf } from './exit-code.ts'
import { hexBytes, hexDump, hexLines, parseHex } from './hex.ts'
import { jsonLine, nameOf, table } from './output.ts'
import { parseSize } from './quantity.ts'
import { senseRows } from './sense-text.ts'
import { withUnit } from './unit.ts'
import { ADDRESS, type Call, CHANGING, CONNECTING, DEVICES, type Verb, verb } from './verb.ts'

/** A nexus's room for data, unless a command needs more; and what it needs beside the data. */
const ARENA_BYTES = 1 << 20
const ARENA_SLACK = 64 << 10

const OPTIONS = {
  in: { type: 'string', value: 'BYTES', help: 'room for data from the unit, as 96 or 64K' },
  out: {
    type: 'string',
    value: 'FILE',
    help: 'data for the unit: a file, - for stdin, or hex:BYTES',
  },
  hex: { type: 'boolean', help: 'print data as hex alone, as --inhex of sg3_utils takes it' },
  binary: { type: 'boolean', help: 'print data as it came' },
  ...CHANGING,
  ...CONNECTING,
} as const

export const raw: Verb = verb({
  name: 'sgring raw',
  summary: 'any command, as bytes',
  usage:
    'ADDRESS CDB… [--in BYTES] [--out FILE|-|hex:BYTES] [--hex | --binary] [--yes] [--timeout SECONDS] [--json]',
  about: [
    'Sends a command as it stands, once, and prints the data that come: as a dump, unless --hex or --binary says otherwise. WHAT DESTROYS DATA IS SENT LIKE ANYTHING ELSE. What is sent to where is said on stderr.',
    `${DEVICES} What only reads needs none of that; what no standard knows counts as a change.`,
    'On a ring, the unit attention that every new nexus meets first, POWER ON, is taken away before. The exit code tells the status: 0 is GOOD, 25 CONDITION MET, 24 RESERVATION CONFLICT, 26 BUSY, and for CHECK CONDITION it is that of the sense key, as sg_raw has it.',
  ],
  operands: {
    ADDRESS,
    'CDB…': 'the command descriptor block in hex: 6 to 260 bytes, apart or together',
  },
  options: OPTIONS,
  examples: [
    ['sgring raw ring:disk 00 00 00 00 00 00', 'TEST UNIT READY'],
    ['sgring raw ring:disk 12 00 00 00 60 00 --in 96', 'INQUIRY, as a dump'],
    ['sgring raw ring:disk 120100006000 --in 96 --binary | od -t x1', 'a page, for a program'],
    ['sgring raw /dev/sg0 12 00 00 00 24 00 --in 36', 'a device: what only reads needs no --yes'],
    [
      'sgring raw ring:disk 2a 00 00 00 00 08 00 00 01 00 --out block.bin --json',
      'WRITE(10) of block 8: OVERWRITES it with a file of 512 bytes',
    ],
  ],
  async run(call) {
    const { hex = false, binary = false, out } = call.values
    if (hex && binary) throw new CliError(ExitCode.SYNTAX, '--hex and --binary exclude each other')
    const [address = '', ...bytes] = call.operands
    const cdb = parseHex('CDB', bytes.join(' '))
    const dataIn = call.values.in === undefined ? 0 : parseSize('--in', call.values.in)
    const dataOut = out === undefined ? undefined : await outgoing(out)
    const command = { cdb, dataIn, dataOut }
    const run = async (unit: LogicalUnit, options: HelperOptions) => {
      if (!isDevice(address)) await unit.run(requestSense(), options)
      if (!call.json) process.stderr.write(announcement(call, unit, command))
      return send(unit, options, command)
    }
    const arenaBytes = Math.max(ARENA_BYTES, dataIn + (dataOut?.length ?? 0) + ARENA_SLACK)
    const response = await withUnit(call, run, { arenaBytes, writes: await changes(address, cdb) })
    if (call.json) tellJson(call, cdb, response)
    else tell(call, response)
  },
})

/** Whether a command changes a device, or may. */
async function changes(address: string, cdb: Uint8Array): Promise<boolean> {
  if (!isDevice(address)) return true
  const deviceType = (await findDevice(address))?.deviceType ?? undefined
  return knownCommand(cdb, cdb.length, deviceType).effect !== 'reads'
}

interface Raw {
  readonly cdb: Uint8Array
  readonly dataIn: number
  readonly dataOut: Uint8Array | undefined
}

async function outgoing(out: string): Promise<Uint8Array> {
  if (out.startsWith('hex:')) return parseHex('--out', out.slice('hex:'.length))
  return out === '-' ? buffer(process.stdin) : readFile(out)
}

function send(unit: LogicalUnit, options: HelperOptions, raw: Raw): Promise<Response> {
  const { cdb, dataIn, dataOut } = raw
  return unit.execute({ ...options, cdb, dataIn, ...(dataOut && { dataOut }) })
}

function announcement(
  { operands: [address] }: Call<typeof OPTIONS>,
  unit: LogicalUnit,
  { cdb, dataIn, dataOut }: Raw,
): string {
  const data = [
    dataOut === undefined ? '' : `, ${dataOut.length} bytes out`,
    dataIn === 0 ? '' : `, up to ${dataIn} bytes in`,
  ]
  const command = `${nameOfCdb(cdb)}: ${hexBytes(cdb)}${data.join('')}`
  return `sending to ${address}, LUN ${unit.lun}: ${command}\n`
}

function tellJson({ values }: Call<typeof OPTIONS>, cdb: Uint8Array, response: Response): void {
  const { status, sense, data, residual, residualOut } = response
  const { binary = false } = values
  const told = jsonLine({
    command: nameOfCdb(cdb),
    status,
    statusName: nameOf(Status, status),
    sense: hexBytes(sense),
    residual,
    residualOut,
    ...(!binary && { data: hexBytes(data) }),
  })
  if (binary) process.stdout.write(data)
  process[binary ? 'stderr' : 'stdout'].write(told)
  if (status !== Status.GOOD) process.exitCode = exitCodeOf(statusError(response))
}

/** @throws for a status other than GOOD, when all is told */
function tell({ values }: Call<typeof OPTIONS>, response: Response): void {
  const { status, sense, data, residual, residualOut } = response
  const format = values.hex ? hexLines : hexDump
  process.stdout.write(values.binary ? data : format(data))
  if (residual !== 0) process.stderr.write(`residual of data in: ${residual} bytes\n`)
  if (residualOut !== 0) process.stderr.write(`residual of data out: ${residualOut} bytes\n`)
  if (status === Status.CHECK_CONDITION && sense.length > 0) {
    process.stderr.write(table(senseRows(parseSense(sense))))
  }
  if (status !== Status.GOOD) throw statusError(response)
}
