/** START STOP UNIT, of disks and disc drives (SBC-3 5.25, MMC-6 6.42). */

import { checkUint } from './bytes.ts'
import { noData, type TypedCommand } from './command.ts'

/** POWER CONDITION (SBC-3 5.25). */
export const PowerCondition = {
  START_VALID: 0x0,
  ACTIVE: 0x1,
  IDLE: 0x2,
  STANDBY: 0x3,
  LU_CONTROL: 0x7,
  FORCE_IDLE_0: 0xa,
  FORCE_STANDBY_0: 0xb,
} as const
export type PowerCondition = (typeof PowerCondition)[keyof typeof PowerCondition]

export interface StartStopOptions {
  /** START: make the medium accessible, or not. Default: false. */
  readonly start?: boolean
  /** LOEJ: load the medium, or eject it. Default: false. */
  readonly loadEject?: boolean
  /** Default: START_VALID, where `start` and `loadEject` count. */
  readonly powerCondition?: PowerCondition
  /** POWER CONDITION MODIFIER, 0 to 15. Default: 0. */
  readonly modifier?: number
  /** NO_FLUSH: leave what the cache holds. Default: false. */
  readonly noFlush?: boolean
  /** IMMED: answer before it is done. Default: false. */
  readonly immed?: boolean
}

/** START STOP UNIT. */
export function startStopUnit(options: StartStopOptions): TypedCommand<void> {
  const condition = options.powerCondition ?? PowerCondition.START_VALID
  const cdb = Uint8Array.of(START_STOP_UNIT, options.immed === true ? 1 : 0, 0, 0, 0, 0)
  cdb[3] = checkUint('modifier', options.modifier ?? 0, 0xf)
  cdb[4] =
    (checkUint('powerCondition', condition, 0xf) << 4) |
    (options.noFlush === true ? 4 : 0) |
    (options.loadEject === true ? 2 : 0) |
    (options.start === true ? 1 : 0)
  return noData(cdb)
}

/** Opens the tray. */
export function ejectMedium(): TypedCommand<void> {
  return startStopUnit({ loadEject: true })
}

/** Closes the tray, and makes the medium accessible. */
export function loadMedium(): TypedCommand<void> {
  return startStopUnit({ loadEject: true, start: true })
}

const START_STOP_UNIT = 0x1b
