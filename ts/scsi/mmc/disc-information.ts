/** READ DISC INFORMATION, standard (MMC-6 6.22). */

import { getUint32, getUint64, setUint16 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { lengthPrefixed, Opcode } from './opcode.ts'

/** DISC STATUS. */
export const DiscStatus = { EMPTY: 0, INCOMPLETE: 1, FINALIZED: 2, OTHERS: 3 } as const
export type DiscStatus = (typeof DiscStatus)[keyof typeof DiscStatus]

/** STATE OF LAST SESSION. */
export const SessionState = { EMPTY: 0, INCOMPLETE: 1, DAMAGED: 2, COMPLETE: 3 } as const
export type SessionState = (typeof SessionState)[keyof typeof SessionState]

/** What a disc is. */
export interface DiscInformation {
  readonly erasable: boolean
  /** See `SessionState`. */
  readonly lastSession: number
  /** See `DiscStatus`. */
  readonly status: number
  readonly firstTrack: number
  readonly sessions: number
  readonly firstTrackInLastSession: number
  readonly lastTrackInLastSession: number
  /** URU: the disc may be used without restriction. */
  readonly unrestrictedUse: boolean
  /** BG FORMAT STATUS: 0 none, 1 was started, 2 is running, 3 is complete. */
  readonly backgroundFormat: number
  /** DISC TYPE: 00h CD-DA or CD-ROM, 10h CD-I, 20h CD-ROM XA, FFh undefined. */
  readonly discType: number
  /** `undefined` unless DID_V. */
  readonly discIdentification: number | undefined
  /** As a time in the low three bytes, or a logical block. */
  readonly lastSessionLeadInStart: number
  readonly lastPossibleLeadOutStart: number
  /** `undefined` unless DBC_V. */
  readonly barCode: bigint | undefined
  /** `undefined` unless DAC_V. */
  readonly applicationCode: number | undefined
}

const LENGTH = 34

/** READ DISC INFORMATION for standard disc information; its OPC tables are left out. */
export function readDiscInformation(): TypedCommand<DiscInformation> {
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.READ_DISC_INFORMATION
  setUint16(cdb, 7, LENGTH)
  return { cdb, dataInLength: LENGTH, parse: parseDiscInformation }
}

function parseDiscInformation(answer: Uint8Array): DiscInformation {
  // Older drives end after the lead-out's start; what they do not say is 0.
  const came = lengthPrefixed('READ DISC INFORMATION', answer, LENGTH, 24)
  const data = new Uint8Array(LENGTH)
  data.set(came)
  const flags = data[7]!
  const word = (high: number, low: number): number => (data[high]! << 8) | data[low]!
  return {
    erasable: (data[2]! & 0x10) !== 0,
    lastSession: (data[2]! >> 2) & 3,
    status: data[2]! & 3,
    firstTrack: data[3]!,
    sessions: word(9, 4),
    firstTrackInLastSession: word(10, 5),
    lastTrackInLastSession: word(11, 6),
    unrestrictedUse: (flags & 0x20) !== 0,
    backgroundFormat: flags & 3,
    discType: data[8]!,
    discIdentification: (flags & 0x80) !== 0 ? getUint32(data, 12) : undefined,
    lastSessionLeadInStart: getUint32(data, 16),
    lastPossibleLeadOutStart: getUint32(data, 20),
    barCode: (flags & 0x40) !== 0 ? getUint64(data, 24) : undefined,
    applicationCode: (flags & 0x10) !== 0 ? data[32]! : undefined,
  }
}
