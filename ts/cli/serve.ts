/** `sgring serve`: disks behind a socket. */

import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { socketOf } from '../ring/address.ts'
import { serve as serveUnits } from '../serve.ts'
import { DEFAULT_BLOCK_LENGTH } from '../target/disk.ts'
import type { DiskUnitOptions } from '../target/served-unit.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { jsonLine } from './output.ts'
import { parseSize, size } from './quantity.ts'
import { type Call, type Verb, verb } from './verb.ts'

const OPTIONS = {
  listen: {
    type: 'string',
    value: 'SOCK',
    help: 'a name, for ring:NAME, or a path with a slash, for ring:/path',
  },
  memory: {
    type: 'string',
    multiple: true,
    value: 'SIZE',
    help: 'a unit of zeroed memory: bytes, or 512K, 64M, 1G, by powers of 1024',
  },
  file: {
    type: 'string',
    multiple: true,
    value: 'PATH',
    help: 'a unit on a regular file or a block device',
  },
  create: { type: 'string', multiple: true, value: 'SIZE', help: 'its file is made, sparse' },
  'read-only': { type: 'boolean', multiple: true, help: 'its file is never written' },
  thin: {
    type: 'boolean',
    multiple: true,
    help: 'its blocks can be unmapped, and take no room until they are written',
  },
  'block-length': {
    type: 'string',
    multiple: true,
    value: 'BYTES',
    help: '512 or 4096; default: 512',
  },
} as const

export const serve: Verb = verb({
  name: 'sgring serve',
  summary: 'serve disks behind a socket',
  usage:
    '--listen SOCK [--memory SIZE | --file PATH [--create SIZE] [--read-only]] [--thin] [--block-length BYTES]… [--json]',
  about: [
    'The n-th --memory or --file is LUN n-1. The options --create, --read-only, --thin and --block-length belong to the unit flag before them.',
    'One line is printed when connections are accepted. Ctrl-C or SIGTERM ends it, and takes the socket away.',
  ],
  operands: {},
  options: OPTIONS,
  examples: [
    ['sgring serve --listen disk --memory 64M', 'one disk in memory, as ring:disk'],
    [
      'sgring serve --listen ./disk.sock --memory 1G --file disk.img --read-only',
      'LUN 0 in memory, and LUN 1 on a file that is not changed',
    ],
    [
      'sgring serve --listen disk --file new.img --create 10G --block-length 4096 --json',
      'a new file as a disk with blocks of 4096 bytes; its line is JSON',
    ],
  ],
  async run(call) {
    const units = unitsOf(call.given)
    const { socket, address } = placeOf(call.values.listen)
    const server = await serveUnits({ listen: socket, units })
    try {
      process.stdout.write(greeting(call, socket, address, units))
      if (!call.signal.aborted) await once(call.signal, 'abort')
    } finally {
      await server.close()
    }
  },
})

/** The units in the order of their flags, each with what was said after it. */
function unitsOf(given: Call['given']): DiskUnitOptions[] {
  const units: DiskUnitOptions[] = []
  for (const { name, value = '' } of given) {
    const last = units.pop()
    if (name === 'memory' || name === 'file') {
      if (last !== undefined) units.push(last)
      units.push(name === 'memory' ? { memory: parseSize('--memory', value) } : { file: value })
    } else {
      const next = OF_LAST[name]?.(last, value) ?? last
      if (next !== undefined) units.push(next)
    }
  }
  if (units.length > 0) return units
  throw new CliError(ExitCode.SYNTAX, 'no unit: --memory SIZE or --file PATH is missing')
}

/** The options that belong to the unit before them. */
const OF_LAST: Readonly<
  Record<string, (last: DiskUnitOptions | undefined, value: string) => DiskUnitOptions>
> = {
  create: (last, value) => ({
    ...ofFile('--create', last),
    createBytes: parseSize('--create', value),
  }),
  'read-only': (last) => ({ ...ofFile('--read-only', last), readOnly: true }),
  thin: (last) => ({ ...ofUnit('--thin', last), thin: true }),
  'block-length': (last, value) => {
    const unit = ofUnit('--block-length', last)
    if (value === '512' || value === '4096')
      return { ...unit, blockLength: value === '512' ? 512 : 4096 }
    throw new CliError(ExitCode.SYNTAX, `--block-length is 512 or 4096, not '${value}'`)
  },
}

function ofUnit(option: string, last: DiskUnitOptions | undefined): DiskUnitOptions {
  if (last !== undefined) return last
  throw new CliError(ExitCode.SYNTAX, `${option} follows its --memory or --file`)
}

function ofFile(
  option: string,
  last: DiskUnitOptions | undefined,
): DiskUnitOptions & { file: string } {
  if (last !== undefined && 'file' in last) return last
  throw new CliError(ExitCode.SYNTAX, `${option} follows its --file`)
}

/** Where to listen, and how clients call it. The folder of names is made if it is not there: nobody else may enter it. */
function placeOf(listen: string | undefined): { socket: string; address: string } {
  if (listen?.includes('/')) {
    const socket = resolve(listen)
    return { socket, address: `ring:${socket}` }
  }
  if (listen === undefined || !/^[\w.-]+$/.test(listen)) {
    throw new CliError(
      ExitCode.SYNTAX,
      '--listen is a name of letters, digits, _, - and ., or a path with a slash',
    )
  }
  const socket = socketOf(listen)
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
  return { socket, address: `ring:${listen}` }
}

function greeting(
  { json }: Call<typeof OPTIONS>,
  socket: string,
  address: string,
  units: readonly DiskUnitOptions[],
): string {
  const { pid } = process
  if (json) {
    const luns = units.map((unit, lun) => ({ lun, blockLength: DEFAULT_BLOCK_LENGTH, ...unit }))
    return jsonLine({ socket, address, pid, luns })
  }
  const luns = units.map((unit, lun) => {
    const what =
      'file' in unit ? `${unit.file}${unit.readOnly ? ' (read-only)' : ''}` : size(unit.memory)
    return `LUN ${lun} ${what}`
  })
  return `serving ${address}: ${luns.join(', ')}; process ${pid}\n`
}
