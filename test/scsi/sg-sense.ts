/** What sg_decode_sense prints of sense data, and what it would print of what this package reads in them. */

import { spawn } from 'node:child_process'
import {
  parseSense,
  type Sense,
  type SenseDetail,
  SenseKey,
  type SenseKeySpecific,
} from '#dist/scsi/sense.js'
import { senseCodeName } from '#dist/scsi/sense-code.js'
import { encodeSenseDescriptor } from '#dist/scsi/sense-descriptor.js'

const SHELLS = 2

/** The lines that the tool prints of each, without indentation and empty lines. A process for each: two shells start them. */
export async function decoded(senses: readonly Uint8Array[]): Promise<string[][]> {
  const half = Math.ceil(senses.length / SHELLS)
  const parts = await Promise.all(
    Array.from({ length: SHELLS }, (_, part) =>
      shell(senses.slice(part * half, (part + 1) * half)),
    ),
  )
  return parts.flat()
}

async function shell(senses: readonly Uint8Array[]): Promise<string[][]> {
  const script = 'while read -r hex; do sg_decode_sense $hex; echo ==; done'
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(senses.map((sense) => `${hexOf(sense)}\n`).join(''))
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk
  const outputs = text.split('==\n').slice(0, -1)
  if (outputs.length !== senses.length)
    throw new Error(`sg_decode_sense: ${outputs.length} outputs`)
  return outputs.map((output) =>
    output
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  )
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** Words of a text, without the punctuation and case in which two spellings of a name differ. */
export function words(text: string): string {
  return text
    .toLowerCase()
    .replace(/\[?0x([0-9a-f]{1,2})\]?/g, (_, value: string) => `${value.padStart(2, '0')}h`)
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
}

/** The additional sense of a line, as words; undefined where the tool has no name for it; null for another line. */
export function additionalSense(line: string): string | undefined | null {
  if (line.startsWith('Additional sense: ')) return words(line.slice(18))
  return /^(vendor specific )?ASC=/.test(line) ? undefined : null
}

/** Where the tool has another name for a sense key: a number with it, and for Ch the one of SCSI-2, which SPC-3 took away. */
const OTHER_KEYS: Readonly<Record<number, string>> = { 9: 'vendor specific 9', 12: 'equal' }

function keyName(key: number): string {
  const name = Object.entries(SenseKey).find(([, value]) => value === key)?.[0] ?? ''
  return OTHER_KEYS[key] ?? words(name)
}

const STATES = ['active/optimized', 'active/non optimized', 'standby', 'unavailable']
const REASONS = [
  'Unknown',
  'resend this and further commands to:',
  'resend this command to:',
  'new subsiduary lu added to this administrative lu:',
  'administrative lu associated with a preferred binding:',
]

/** The lines for sense data as this package reads them. The name of the additional sense is as `words()`, and `-` where there is none. */
export function expected(bytes: Uint8Array): string[] {
  const sense = parseSense(bytes)
  const fixed = sense.responseCode < 0x72
  const name = senseCodeName(sense.asc, sense.ascq)
  return [
    `${fixed ? 'Fixed' : 'Descriptor'} format, ${sense.deferred ? '<<<deferred>>>' : 'current'}; ` +
      `Sense key: ${keyName(sense.key)}`,
    ...(sense.overflow ? ['<<<Sense data overflow (SDAT_OVFL)>>>'] : []),
    name === undefined ? '-' : words(name),
    ...(fixed ? fixedLines(sense) : sense.details.flatMap((one) => detailLines(one, sense))),
  ]
}

/** The tool's lines with the name as in `expected()`. */
export function comparable(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const name = additionalSense(line)
    if (name !== null) return name ?? '-'
    return line.replace(/(?<=; Sense key: ).*$/, words)
  })
}

function fixedLines(sense: Sense): string[] {
  const { valid, information, filemark, endOfMedium, incorrectLength } = sense
  const lines: string[] = []
  const flags = `${filemark ? ' FMK' : ''}${endOfMedium ? ' EOM' : ''}${incorrectLength ? ' ILI' : ''}`
  if (valid || information > 0n) {
    const info = `Info fld=0x${information.toString(16)} [${information}]`
    lines.push(`${valid ? '' : 'Valid=0, '}${info} ${flags}`.trim())
  } else if (flags !== '') {
    lines.push(flags.trim())
  }
  if (sense.fieldReplaceableUnit > 0) {
    lines.push(`Field replaceable unit code: ${sense.fieldReplaceableUnit}`)
  }
  if (sense.specific !== undefined) lines.push(specificText(sense.specific, sense.key).join(' '))
  return lines
}

/** A heading and a text: two lines of the descriptor, one of fixed format. */
function specificText(specific: SenseKeySpecific, key: number, counted = hex4): string[] {
  const place = (byte: number, bit?: number) =>
    `byte ${byte}${bit === undefined ? '' : ` bit ${bit}`}`
  switch (specific.kind) {
    case 'field': {
      const where = specific.inCdb ? 'Command' : 'Data parameters'
      return ['Sense Key Specific:', `Error in ${where}: ${place(specific.byte, specific.bit)}`]
    }
    case 'segment': {
      const where = specific.inSegment ? 'segment descriptor' : 'parameter list'
      const at = place(specific.byte, specific.bit)
      return ['Segment pointer:', `Relative to start of ${where}, ${at}`]
    }
    case 'progress':
      return [`Progress indication: ${percent(specific.progress).join('.')}%`]
    case 'retries':
      return [`Actual retry count: ${counted(specific.retries)}`]
    case 'attentionQueue':
      return ['Unit attention condition queue:', `overflow flag is ${specific.overflow ? 1 : 0}`]
    case 'raw':
      return [`Sense_key: 0x${key.toString(16)} unexpected`]
  }
}

function detailLines(detail: SenseDetail, { key }: Sense): string[] {
  const type = (text: string) => `Descriptor type: ${text}`
  switch (detail.kind) {
    case 'information': {
      const note = detail.valid ? '' : 'Valid=0 (-> vendor specific) '
      return [type(`Information: ${note}${hex16(detail.information)}`)]
    }
    case 'commandSpecific':
      return [type(`Command specific: ${hex16(detail.commandSpecific)}`)]
    case 'specific': {
      if (detail.specific === undefined) return []
      const [first, ...rest] = specificText(detail.specific, key, String)
      const heading = first === 'Sense Key Specific:' ? 'Field pointer:' : first
      if (detail.specific.kind === 'raw') rest.push(`00 00 ${hexOf(detail.specific.bytes)} 00`)
      return [type(`Sense key specific: ${heading}`), ...rest]
    }
    case 'fieldReplaceableUnit':
      return [type(`Field replaceable unit code: 0x${detail.code.toString(16)}`)]
    case 'stream': {
      const flags = [
        detail.filemark && 'FILEMARK',
        detail.endOfMedium && 'End Of Medium (EOM)',
        detail.incorrectLength && 'Incorrect Length Indicator (ILI)',
      ]
      return [type(`Stream commands: ${flags.filter((flag) => flag !== false).join('')}`).trim()]
    }
    case 'block': {
      const state = detail.incorrectLength ? 'set' : 'clear'
      return [type(`Block commands: Incorrect Length Indicator (ILI) ${state}`)]
    }
    case 'ataStatus': {
      const { extend, error, count, lba, device, status } = detail.ata
      const at = lba.toString(16).padStart(extend ? 12 : 6, '0')
      const [c, d, s] = [count, device, status].map((value) => value.toString(16))
      return [
        type(`ATA Status Return: extend=${extend ? 1 : 0} error=0x${error.toString(16)}`),
        `count=0x${c} lba=0x${at} device=0x${d} status=0x${s}`,
      ]
    }
    case 'progress': {
      const [k, asc, ascq] = [detail.key, detail.asc, detail.ascq].map((value) =>
        value.toString(16),
      )
      const [whole, rest] = percent(detail.progress)
      return [
        // The tool has "%d.02%d" where "%d.%02d" is meant.
        type(`Another progress indication: ${whole}.02${Number(rest)}%`),
        `[sense_key=0x${k} asc,ascq=0x${asc},0x${ascq}]`,
      ]
    }
    case 'referral':
      return [
        type('User data segment referral:'),
        `Not all referrals: ${detail.more ? 1 : 0}`,
        ...detail.segments.flatMap(({ firstLba, lastLba, groups }, index) => [
          `Descriptor ${index + 1}`,
          `first uds LBA: 0x${firstLba.toString(16)}`,
          `last uds LBA:  0x${lastLba.toString(16)}`,
          ...groups.map(({ state, group }) => `tpg: ${group}  state: ${STATES[state]}`),
        ]),
      ]
    case 'forwarded': {
      const { source } = detail
      const to = source === 0 ? 'source device' : `destination device ${source - 1}`
      return [
        type('Forwarded sense data'),
        `FSDT: ${detail.truncated ? 'set' : 'clear'}`,
        `Sense data source: Extended copy command ${to}`,
        'Forwarded status: Check Condition',
        'v'.repeat(16),
        ...expected(detail.sense),
        '^'.repeat(16),
      ]
    }
    case 'directAccess': {
      const lines = [type('Direct-access block device')]
      if (detail.incorrectLength) lines.push('ILI (incorrect length indication) set')
      if (detail.specific !== undefined) {
        const [first, ...rest] = specificText(detail.specific, key, String)
        const heading = first === 'Sense Key Specific:' ? 'Field pointer:' : first
        lines.push(`Sense key specific: ${heading}`, ...rest)
      }
      lines.push(`Field replaceable unit code: 0x${detail.fieldReplaceableUnit.toString(16)}`)
      if (detail.valid) lines.push(`Information: ${hex16(detail.information)}`)
      lines.push(`Command specific: ${hex16(detail.commandSpecific)}`)
      // What it does not know, it shows.
      const unknown = detail.specific?.kind === 'raw'
      return unknown ? [...lines, ...dump(encodeSenseDescriptor(detail).data)] : lines
    }
    case 'designation': {
      const reason = REASONS[detail.reason] ?? `reserved[${detail.reason}]`
      return [
        type('Device designation'),
        `Usage reason: ${reason}`,
        'Addressed logical unit:',
        'designator type: NAA,  code set: Binary',
        `0x${hexOf(detail.designator.designator).replaceAll(' ', '')}`,
      ]
    }
    case 'microcode': {
      const seconds = detail.activationSeconds
      return [
        type(`Microcode activation time: ${seconds === 0 ? 'unknown' : `${seconds} seconds`}`),
      ]
    }
    case 'raw':
      return [
        type(RAW[detail.type] ?? `Vendor specific [0x${detail.type.toString(16)}]`),
        hexOf(detail.data),
      ]
  }
}

const RAW: Readonly<Record<number, string>> = {
  6: 'OSD object identification',
  7: 'OSD response integrity check value',
  8: 'OSD attribute identification',
}

/** Percent, and its hundredths as the tool rounds them. */
function percent(progress: number): [whole: number, rest: string] {
  const hundred = progress * 100
  return [hundred >> 16, String(Math.trunc((hundred & 0xffff) / 656)).padStart(2, '0')]
}

function hex4(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`
}

function hex16(value: bigint): string {
  return `0x${value.toString(16).padStart(16, '0')}`
}

/** Bytes as the tool shows them, 24 in a line. */
function dump(data: Uint8Array): string[] {
  const lines = Math.ceil(data.length / 24)
  return Array.from({ length: lines }, (_, line) => hexOf(data.subarray(line * 24, line * 24 + 24)))
}
