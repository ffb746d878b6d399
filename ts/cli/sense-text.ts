/** Sense data in words: what `sgring sense` and `sgring raw` print. */

import {
  parseSense,
  type Sense,
  type SenseDetail,
  SenseKey,
  type SenseKeySpecific,
} from '../scsi/sense.ts'
import { senseCodeName } from '../scsi/sense-code.ts'
import { SenseDescriptorType } from '../scsi/sense-descriptor.ts'
import { hexByte, hexBytes } from './hex.ts'
import { nameOf } from './output.ts'

/** Sense data as rows of a name and a value; what is absent has no row. */
export function senseRows(sense: Sense): [string, string][] {
  const format = sense.responseCode >= 0x72 ? 'descriptor' : 'fixed'
  const rows: [string, string | undefined][] = [
    ['sense key', keyName(sense.key)],
    ['additional sense', senseName(sense.asc, sense.ascq)],
    ['format', `${format}, ${sense.deferred ? 'of an earlier command' : 'of this command'}`],
    ['information', sense.valid ? wide(sense.information) : undefined],
    ['command-specific', sense.commandSpecific === 0n ? undefined : wide(sense.commandSpecific)],
    ['about', sense.specific && specificText(sense.specific)],
    [
      'replaceable unit',
      sense.fieldReplaceableUnit === 0 ? undefined : hexByte(sense.fieldReplaceableUnit),
    ],
    ['flags', flagsText(sense)],
    ...sense.details.flatMap(detailRows),
  ]
  return rows.filter((row): row is [string, string] => row[1] !== undefined)
}

/** What a descriptor says that no field of the sense data has said. */
function detailRows(detail: SenseDetail): [string, string][] {
  switch (detail.kind) {
    case 'ataStatus': {
      const { status, error, device, count, lba, extend } = detail.ata
      const registers = `status ${hexByte(status)}, error ${hexByte(error)}, device ${hexByte(device)}, count ${count}, LBA ${lba}`
      return [['ATA status return', `${registers}${extend ? ', of a 48-bit command' : ''}`]]
    }
    case 'progress': {
      const what = senseName(detail.asc, detail.ascq)
      return [['also going on', `${share(detail.progress)} done: ${keyName(detail.key)}, ${what}`]]
    }
    case 'referral':
      return detail.segments.map(({ firstLba, lastLba, groups }) => {
        const ports = groups.map(({ group, state }) => `${group} in state ${state.toString(16)}h`)
        return ['referral', `blocks ${firstLba} to ${lastLba}: port groups ${ports.join(', ')}`]
      })
    case 'forwarded':
      return forwardedRows(detail)
    case 'designation': {
      const { type, designator } = detail.designator
      const reason = `reason ${detail.reason.toString(16)}h`
      return [
        ['device', `designator of type ${type.toString(16)}h, ${reason}: ${hexBytes(designator)}`],
      ]
    }
    case 'microcode':
      return [['microcode', `activating it takes ${detail.activationSeconds} s; 0 is unknown`]]
    case 'raw': {
      const name = nameOf(SenseDescriptorType, detail.type).toLowerCase()
      return [['descriptor', `${name} (${hexByte(detail.type)}): ${hexBytes(detail.data)}`]]
    }
    default:
      return []
  }
}

/** Another device's sense data, which may itself be anything. */
function forwardedRows({
  sense,
  source,
  status,
  truncated,
}: Extract<SenseDetail, { kind: 'forwarded' }>): [string, string][] {
  const cut = truncated ? ', cut' : ''
  const from = `from source ${source.toString(16)}h, with status ${hexByte(status)}${cut}`
  try {
    const rows = senseRows(parseSense(sense))
    return [
      ['forwarded', from],
      ...rows.map(([name, text]): [string, string] => [`  ${name}`, text]),
    ]
  } catch {
    return [['forwarded', `${from}: ${hexBytes(sense)}`]]
  }
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
      return `${share(specific.progress)} done`
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

function keyName(key: number): string {
  return `${nameOf(SenseKey, key)} (${key.toString(16)}h)`
}

function senseName(asc: number, ascq: number): string {
  const code = `${hexByte(asc)} ${hexByte(ascq)}`
  const name = senseCodeName(asc, ascq)
  return name === undefined ? code : `${name} (${code})`
}

/** Of 65,536ths. */
function share(progress: number): string {
  return `${((progress / 65_536) * 100).toFixed(1)}%`
}

function wide(value: bigint): string {
  return `${value} (${value.toString(16)}h)`
}
