/** What an ATA command in an ATA PASS-THROUGH does to its device (ACS-4 clause 7, SAT-4 12.2.2): its protocol and its command decide. */

import { Opcode, PASS_THROUGH_32_SERVICE_ACTION, Protocol } from './pass-through.ts'

const NO_DATA: readonly number[] = [Protocol.NON_DATA]
const DATA_IN: readonly number[] = [
  Protocol.PIO_DATA_IN,
  Protocol.DMA,
  Protocol.UDMA_DATA_IN,
  Protocol.NCQ,
]

/** Any FEATURES. */
const ANY = undefined
/** None: with some, logs are begun anew when they are read, as SATA's Phy event counters, or written first. */
const PLAIN: readonly number[] = [0x00]

/** Commands that change nothing, each with the protocols that it may come with, and the FEATURES (7:0) if only some do not. */
const READING: Readonly<
  Record<number, readonly [protocols: readonly number[], features: readonly number[] | undefined]>
> = {
  11: [NO_DATA, ANY], // REQUEST SENSE DATA EXT
  32: [DATA_IN, ANY], // READ SECTOR(S)
  36: [DATA_IN, ANY], // READ SECTOR(S) EXT
  37: [DATA_IN, ANY], // READ DMA EXT
  39: [NO_DATA, ANY], // READ NATIVE MAX ADDRESS EXT
  41: [DATA_IN, ANY], // READ MULTIPLE EXT
  42: [DATA_IN, ANY], // READ STREAM DMA EXT
  43: [DATA_IN, ANY], // READ STREAM EXT
  47: [DATA_IN, PLAIN], // READ LOG EXT
  64: [NO_DATA, ANY], // READ VERIFY SECTOR(S)
  66: [NO_DATA, ANY], // READ VERIFY SECTOR(S) EXT
  71: [DATA_IN, PLAIN], // READ LOG DMA EXT
  74: [DATA_IN, [0x00]], // ZAC MANAGEMENT IN: REPORT ZONES EXT
  92: [DATA_IN, ANY], // TRUSTED RECEIVE
  93: [DATA_IN, ANY], // TRUSTED RECEIVE DMA
  96: [DATA_IN, ANY], // READ FPDMA QUEUED
  120: [NO_DATA, [0x00]], // ACCESSIBLE MAX ADDRESS CONFIGURATION: GET NATIVE MAX ADDRESS EXT
  161: [DATA_IN, ANY], // IDENTIFY PACKET DEVICE
  196: [DATA_IN, ANY], // READ MULTIPLE
  200: [DATA_IN, ANY], // READ DMA
  228: [DATA_IN, ANY], // READ BUFFER
  229: [NO_DATA, ANY], // CHECK POWER MODE
  233: [DATA_IN, ANY], // READ BUFFER DMA
  236: [DATA_IN, ANY], // IDENTIFY DEVICE
  248: [NO_DATA, ANY], // READ NATIVE MAX ADDRESS
}

const SMART = 0xb0
/** Of SMART by its FEATURES: READ DATA, READ ATTRIBUTE THRESHOLDS, READ LOG; RETURN STATUS. */
const SMART_READING: Readonly<Record<number, readonly number[]>> = {
  208: DATA_IN,
  209: DATA_IN,
  213: DATA_IN,
  218: NO_DATA,
}

/** T_DIR: from the device. */
const FROM_DEVICE = 0x08

/** Where the fields of each form stand. */
interface Form {
  readonly protocol: number
  readonly flags: number
  /** FEATURES (15:8); none in the short form. */
  readonly featuresHigh: number | undefined
  readonly features: number
  readonly command: number
}
const FORM_12: Form = { protocol: 1, flags: 2, featuresHigh: undefined, features: 3, command: 9 }
const FORM_16: Form = { protocol: 1, flags: 2, featuresHigh: 3, features: 4, command: 14 }
const FORM_32: Form = { protocol: 10, flags: 11, featuresHigh: 20, features: 21, command: 25 }

/** @param cdb an ATA PASS-THROUGH(12), (16) or (32); a (32) that is cut short is not known */
export function ataEffect(cdb: Uint8Array, length: number): 'reads' | 'changes' | 'unknown' {
  const form = formOf(cdb)
  if (form === undefined || length <= form.command) return 'unknown'
  const protocol = (cdb[form.protocol]! >> 1) & 0xf
  // Reads registers that are there already, and sends the device nothing.
  if (protocol === Protocol.RETURN_RESPONSE_INFORMATION) return 'reads'
  const command = cdb[form.command]!
  const features = cdb[form.features]!
  const high = form.featuresHigh === undefined ? 0 : cdb[form.featuresHigh]!
  const [protocols, reading] =
    command === SMART ? [SMART_READING[features] ?? [], ANY] : (READING[command] ?? [[], ANY])
  const wellFeatures = reading === undefined || (high === 0 && reading.includes(features))
  const wellData = protocols !== DATA_IN || (cdb[form.flags]! & FROM_DEVICE) !== 0
  return protocols.includes(protocol) && wellFeatures && wellData ? 'reads' : 'changes'
}

function formOf(cdb: Uint8Array): Form | undefined {
  if (cdb[0] === Opcode.PASS_THROUGH_12) return FORM_12
  if (cdb[0] === Opcode.PASS_THROUGH_16) return FORM_16
  const action = cdb[8]! * 0x100 + cdb[9]!
  return cdb[0] === Opcode.PASS_THROUGH_32 && action === PASS_THROUGH_32_SERVICE_ACTION
    ? FORM_32
    : undefined
}
