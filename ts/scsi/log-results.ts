/** The log pages that are lists: self-tests, and what background scans found (SPC-4 7.3.17, SBC-3 6.3.2). */

import { getUint16, getUint32, getUint64, needBytes } from './bytes.ts'
import type { LogPage, LogParameter } from './log.ts'

/** One self-test. */
export interface SelfTestResult {
  /** SELF-TEST CODE of the SEND DIAGNOSTIC that asked for it. */
  readonly code: number
  /** 0: no error; 1, 2: aborted; 3: not known; 4 to 7: failed; 15: under way. */
  readonly result: number
  /** The segment that failed, or 0. */
  readonly number: number
  /** When it ended; FFFFh is that or later. */
  readonly powerOnHours: number
  /** All ones where nothing failed, or nobody knows where. */
  readonly firstFailure: bigint
  readonly senseKey: number
  readonly asc: number
  readonly ascq: number
}

/** Self-test results: the last 20, the newest first. Those that never were have all fields 0. */
export function readSelfTestResults({ parameters }: LogPage): readonly SelfTestResult[] {
  return parameters.filter(({ code }) => code >= 1 && code <= 20).map(selfTest)
}

function selfTest({ value }: LogParameter): SelfTestResult {
  needBytes('a self-test result', value, 15)
  return {
    code: value[0]! >> 5,
    result: value[0]! & 0xf,
    number: value[1]!,
    powerOnHours: getUint16(value, 2),
    firstFailure: getUint64(value, 4),
    senseKey: value[12]! & 0xf,
    asc: value[13]!,
    ascq: value[14]!,
  }
}

/** What a background scan found at one block. */
export interface BackgroundScanFinding {
  readonly powerOnMinutes: number
  readonly reassignStatus: number
  readonly senseKey: number
  readonly asc: number
  readonly ascq: number
  readonly lba: bigint
}

export interface BackgroundScan {
  readonly powerOnMinutes: number | undefined
  /** BACKGROUND SCAN STATUS: 0 none under way, 1 medium scan, 2 pre-scan; from 3 on, why it stands still. */
  readonly status: number | undefined
  readonly scans: number | undefined
  /** Done so far, in 65,536ths. */
  readonly progress: number | undefined
  readonly mediumScans: number | undefined
  readonly findings: readonly BackgroundScanFinding[]
}

/** Background scan results. */
export function readBackgroundScan({ parameters }: LogPage): BackgroundScan {
  const status = parameters.find(({ code }) => code === 0)?.value
  if (status !== undefined) needBytes('the background scan status', status, 12)
  return {
    powerOnMinutes: status && getUint32(status, 0),
    status: status?.[5],
    scans: status && getUint16(status, 6),
    progress: status && getUint16(status, 8),
    mediumScans: status && getUint16(status, 10),
    findings: parameters.filter(({ code }) => code >= 1 && code <= 0x800).map(finding),
  }
}

function finding({ value }: LogParameter): BackgroundScanFinding {
  needBytes('a background scan result', value, 20)
  return {
    powerOnMinutes: getUint32(value, 0),
    reassignStatus: value[4]! >> 4,
    senseKey: value[4]! & 0xf,
    asc: value[5]!,
    ascq: value[6]!,
    lba: getUint64(value, 12),
  }
}
