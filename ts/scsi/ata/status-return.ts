/**
 * The registers of an ATA device after a command, as sense data carry them (SAT-4 12.2.2.6, 12.2.2.7): in the ATA Status Return
 * descriptor, or in fixed format as
 *
 *     INFORMATION                    ERROR, STATUS, DEVICE, COUNT (7:0)
 *     COMMAND-SPECIFIC INFORMATION
 *       0                            EXTEND 7, COUNT UPPER NONZERO 6, LBA UPPER NONZERO 5, LOG INDEX 3..0
 *       1..3                         LBA (7:0), (15:8), (23:16); some layers of before SAT-3 have them the other way round
 */

import { type AtaStatusReturn, parseAtaStatusReturn } from '../ata-status.ts'
import type { Sense } from '../sense.ts'

/** The registers. */
export interface StatusReturn extends AtaStatusReturn {
  /** Fixed format has 8 bits of COUNT and 24 of LBA: there were others, and they were not zero. */
  readonly truncated: boolean
}

const STATUS_RETURN_DESCRIPTOR = 0x09
const ATA_PASS_THROUGH_INFORMATION_AVAILABLE = 0x1d
const FIXED_FORMAT: ReadonlySet<number> = new Set([0x70, 0x71])

/**
 * The registers that sense data carry, `undefined` if they carry none. Fixed format says so by ATA PASS THROUGH INFORMATION AVAILABLE
 * alone: where an error took that place, nobody knows what its fields are. Throws `ERR_SGRING_RESPONSE` for a descriptor that is too short.
 */
export function parseStatusReturn(sense: Sense): StatusReturn | undefined {
  if (FIXED_FORMAT.has(sense.responseCode)) {
    return isInformation(sense) ? parseFixed(sense) : undefined
  }
  const found = sense.descriptors.find(({ type }) => type === STATUS_RETURN_DESCRIPTOR)
  return found && { ...parseAtaStatusReturn(found.data), truncated: false }
}

/** ATA PASS THROUGH INFORMATION AVAILABLE: nothing is wrong, and the registers were asked for. */
export function isInformation({ asc, ascq, deferred }: Sense): boolean {
  return asc === 0 && ascq === ATA_PASS_THROUGH_INFORMATION_AVAILABLE && !deferred
}

function parseFixed({ information, commandSpecific }: Sense): StatusReturn {
  const first = Number(information)
  const second = Number(commandSpecific)
  return {
    error: first >>> 24,
    count: first & 0xff,
    // LBA (7:0) comes first.
    lba: ((second & 0xff) << 16) | (second & 0xff00) | ((second >>> 16) & 0xff),
    device: (first >>> 8) & 0xff,
    status: (first >>> 16) & 0xff,
    extend: second >= 0x8000_0000,
    truncated: (second & 0x6000_0000) !== 0,
  }
}
