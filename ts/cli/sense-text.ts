/** Sense data in words: what `sgring sense` and `sgring raw` print. */

import { type Sense, type SenseDescriptor, SenseKey, type SenseKeySpecific } from '../scsi/sense.ts'
import { senseCodeName } from '../scsi/sense-code.ts'
import { hexByte, hexBytes } from './hex.ts'
import { nameOf } from './output.ts'

/** Sense data descriptors (SPC-5 4.4.2.1, table 28). */
const DESCRIPTORS: Readonly<Record<number, string>> = {
  0: 'information',
  1: 'command-specific information',
  2: 'sense key specific',
  3: 'field replaceable unit',
  4: 'stream commands',
  5: 'block commands',
  6: 'OSD object identification',
  7: 'OSD response integrity check value',
  8: 'OSD attribute identification',
  9: 'ATA status return',
  10: 'another progress indication',
  11: 'user data segment referral',
  12: 'forwarded sense data',
  13: 'direct access block device',
  14: 'device designation',
  15: 'microcode activation',
}

/** Sense data as rows of a name and a value; what is absent has no row. */
export function senseRows(sense: Sense): [string, string][] {
  const code = `${hexByte(sense.asc)} ${hexByte(sense.ascq)}`
  const name = senseCodeName(sense.asc, sense.ascq)
  const format = sense.responseCode >= 0x72 ? 'descriptor' : 'fixed'
  const rows: [string, string | undefined][] = [
    ['sense key', `${nameOf(SenseKey, sense.key)} (${sense.key.toString(16)}h)`],
    ['additional sense', name === undefined ? code : `${name} (${code})`],
    ['format', `${format}, ${sense.deferred ? 'of an earlier command' : 'of this command'}`],
    ['information', sense.valid ? wide(sense.information) : undefined],
    ['command-specific', sense.commandSpecific === 0n ? undefined : wide(sense.commandSpecific)],
    ['about', sense.specific && specificText(sense.specific)],
    [
      'replaceable unit',
      sense.fieldReplaceableUnit === 0 ? undefined : hexByte(sense.fieldReplaceableUnit),
    ],
    ['flags', flagsText(sense)],
    ...sense.descriptors.map(descriptorRow),
  ]
  return rows.filter((row): row is [string, string] => row[1] !== undefined)
}

function descriptorRow({ type, data }: SenseDescriptor): [string, string] {
  return ['descriptor', `${DESCRIPTORS[type] ?? 'unknown'} (${hexByte(type)}): ${hexBytes(data)}`]
}

function specificText(specific: SenseKeySpecific): string {
  switch (specific.kind) {
    case 'field':
    case 'segment': {
      const bit = specific.bit === undefined ? '' : ` bit ${specific.bit}`
      const where = placeText(specific)
      return `byte ${specific.byte}${bit} of ${where} is in error`
    }
    case 'progress':
      return `${((specific.progress / 65_536) * 100).toFixed(1)}% done`
    case 'retries':
      return `${specific.retries} retries`
    case 'attentionQueue':
      return specific.overflow ? 'unit attentions were lost' : 'no unit attentions were lost'
    case 'raw':
      return hexBytes(specific.bytes)
  }
}

function placeText(pointer: Extract<SenseKeySpecific, { kind: 'field' | 'segment' }>): string {
  if (pointer.kind === 'segment' && pointer.inSegment) return 'the segment descriptor'
  return pointer.kind === 'field' && pointer.inCdb ? 'the CDB' : 'the parameter list'
}

function flagsText({ filemark, endOfMedium, incorrectLength, overflow }: Sense) {
  const flags = [
    filemark && 'filemark',
    endOfMedium && 'end of medium',
    incorrectLength && 'incorrect length',
    overflow && 'more sense data than was sent',
  ].filter((flag) => flag !== false)
  return flags.length === 0 ? undefined : flags.join(', ')
}

function wide(value: bigint): string {
  return `${value} (${value.toString(16)}h)`
}
