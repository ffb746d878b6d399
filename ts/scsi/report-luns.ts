/** REPORT LUNS (SPC-4 6.33). */

import { badResponse, checkUint, getUint32, getUint64, needBytes, setUint32 } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { lunOfWord, setLun } from './lun.ts'
import { Opcode } from './opcode.ts'

/** SELECT REPORT. */
export const SelectReport = { LOGICAL_UNITS: 0x00, WELL_KNOWN: 0x01, ALL: 0x02 } as const
export type SelectReport = (typeof SelectReport)[keyof typeof SelectReport]

export interface ReportLunsOptions {
  /** Default: all logical units but the well known ones. */
  readonly select?: SelectReport
  /** Room for the list, 16 bytes at least: 8, and 8 for each LUN. Default: 4096, for 511 LUNs; the smallest nexus moves as much. */
  readonly allocationLength?: number
}

/** The logical units that a nexus can address. */
export interface ReportedLuns {
  /** Single-level LUNs, in the device's order. */
  readonly luns: readonly number[]
  /** LUNs of several levels and well known logical units, as their eight bytes. */
  readonly others: readonly bigint[]
  /** How many more there are than the allocation length had room for. */
  readonly missing: number
}

const HEADER = 8
const ENTRY = 8
const ALLOCATION_LENGTH = 4096

/** REPORT LUNS: which logical units there are. Any LUN answers it, also one without a logical unit. */
export function reportLuns(options: ReportLunsOptions = {}): TypedCommand<ReportedLuns> {
  const dataInLength = checkUint(
    'allocationLength',
    options.allocationLength ?? ALLOCATION_LENGTH,
    0xffff_ffff,
    16,
  )
  const cdb = new Uint8Array(12)
  cdb[0] = Opcode.REPORT_LUNS
  cdb[2] = checkUint('select', options.select ?? SelectReport.LOGICAL_UNITS, 0xff)
  setUint32(cdb, 6, dataInLength)
  return { cdb, dataInLength, parse: (data) => parseReportedLuns(data, dataInLength) }
}

/** REPORT LUNS data: the list, cut after `allocationLength` bytes, under its full length. */
export function encodeReportedLuns(luns: readonly number[], allocationLength: number): Uint8Array {
  const data = new Uint8Array(HEADER + luns.length * ENTRY)
  setUint32(data, 0, luns.length * ENTRY)
  luns.forEach((lun, index) => {
    setLun(data, HEADER + index * ENTRY, lun)
  })
  return data.subarray(0, allocationLength)
}

function parseReportedLuns(data: Uint8Array, allocationLength: number): ReportedLuns {
  needBytes('REPORT LUNS data', data, HEADER)
  const listLength = getUint32(data, 0)
  if (listLength % ENTRY !== 0) {
    throw badResponse(`REPORT LUNS data: ${listLength} bytes are no list of LUNs`)
  }
  needBytes('REPORT LUNS data', data, Math.min(HEADER + listLength, allocationLength))
  const luns: number[] = []
  const others: bigint[] = []
  const end = Math.min(HEADER + listLength, data.length)
  for (let at = HEADER; at + ENTRY <= end; at += ENTRY) {
    const lun = getUint32(data, at + 4) === 0 ? lunOfWord(getUint32(data, at)) : -1
    if (lun < 0) others.push(getUint64(data, at))
    else luns.push(lun)
  }
  return { luns, others, missing: listLength / ENTRY - luns.length - others.length }
}
