/** Units by flags of the command line: of `sgring serve`, and of `sgring admin`. */

import type { UnitConfig } from './config/config.ts'
import { CliError, ExitCode } from './exit-code.ts'
import { parseSize } from './quantity.ts'
import type { Call } from './verb.ts'

export const UNIT_FLAGS = {
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
  lun: { type: 'string', multiple: true, value: 'N', help: 'its LUN' },
  create: {
    type: 'string',
    multiple: true,
    value: 'SIZE',
    help: 'its file is made, sparse, and must not be there',
  },
  'read-only': { type: 'boolean', multiple: true, help: 'its file is never written' },
  thin: {
    type: 'boolean',
    multiple: true,
    help: 'its blocks can be unmapped, and take no room until they are written',
  },
  removable: {
    type: 'boolean',
    multiple: true,
    help: 'its medium can be ejected and loaded',
  },
  'block-length': {
    type: 'string',
    multiple: true,
    value: 'BYTES',
    help: '512 or 4096; default: 512',
  },
  vendor: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: 'who INQUIRY says made it: 8 characters',
  },
  product: { type: 'string', multiple: true, value: 'TEXT', help: 'what INQUIRY says it is: 16' },
  revision: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: 'its revision level in INQUIRY: 4',
  },
  serial: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: 'its serial number, of which its names are made (VPD pages 80h, 83h)',
  },
} as const

/** How they are written. */
export const UNIT_OPTIONS =
  '(--memory SIZE | --file PATH [--create SIZE] [--read-only]) [--lun N] [--thin] [--removable] [--block-length BYTES] [--vendor TEXT] [--product TEXT] [--revision TEXT] [--serial TEXT]'

/** The units in the order of their flags, each with what was said after it. */
export function unitsOf(given: Call['given']): UnitConfig[] {
  const units: UnitConfig[] = []
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
  Record<string, (last: UnitConfig | undefined, value: string) => UnitConfig>
> = {
  create: (last, value) => ({
    ...ofFile('--create', last),
    createBytes: parseSize('--create', value),
  }),
  'read-only': (last) => ({ ...ofFile('--read-only', last), readOnly: true }),
  lun: (last, value) => ({ ...ofUnit('--lun', last), lun: parseLun('--lun', value) }),
  thin: (last) => ({ ...ofUnit('--thin', last), thin: true }),
  removable: (last) => ({ ...ofUnit('--removable', last), removable: true }),
  vendor: (last, vendor) => ({ ...ofUnit('--vendor', last), vendor }),
  product: (last, product) => ({ ...ofUnit('--product', last), product }),
  revision: (last, revision) => ({ ...ofUnit('--revision', last), revision }),
  serial: (last, serial) => ({ ...ofUnit('--serial', last), serial }),
  'block-length': (last, value) => {
    const unit = ofUnit('--block-length', last)
    if (value === '512' || value === '4096')
      return { ...unit, blockLength: value === '512' ? 512 : 4096 }
    throw new CliError(ExitCode.SYNTAX, `--block-length is 512 or 4096, not '${value}'`)
  },
}

function ofUnit(option: string, last: UnitConfig | undefined): UnitConfig {
  if (last !== undefined) return last
  throw new CliError(ExitCode.SYNTAX, `${option} follows its --memory or --file`)
}

function ofFile(option: string, last: UnitConfig | undefined): UnitConfig & { file: string } {
  if (last !== undefined && 'file' in last) return last
  throw new CliError(ExitCode.SYNTAX, `${option} follows its --file`)
}

/** Reads a LUN. Whether there can be one, the target knows. */
export function parseLun(what: string, text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new CliError(ExitCode.SYNTAX, `${what} is a number of 0 to 16383, not '${text}'`)
}
