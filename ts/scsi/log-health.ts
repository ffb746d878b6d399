/** The log pages that tell how a device is (SPC-4 7.3, SBC-3 6.3). */

import { countAt, type LogPageLayout, numberAt, textAt } from './log-fields.ts'

/** Degrees Celsius; 255 is not known (SPC-4 7.3.21). */
export interface Temperature {
  readonly temperature: number | undefined
  /** The highest at which the device works without degradation. */
  readonly referenceTemperature: number | undefined
}

export const TEMPERATURE: LogPageLayout<Temperature> = {
  page: 0x0d,
  subpage: 0,
  name: 'temperature',
  fields: {
    temperature: numberAt(0, 1, 1, 'temperature'),
    referenceTemperature: numberAt(1, 1, 1, 'reference temperature'),
  },
}

/** Start-stop cycle counter (SPC-4 7.3.20). */
export interface StartStopCycles {
  readonly manufactureYear: string | undefined
  readonly manufactureWeek: string | undefined
  readonly accountingYear: string | undefined
  readonly accountingWeek: string | undefined
  readonly specifiedCycles: number | undefined
  readonly cycles: number | undefined
  readonly specifiedLoadUnloadCycles: number | undefined
  readonly loadUnloadCycles: number | undefined
}

export const START_STOP_CYCLES: LogPageLayout<StartStopCycles> = {
  page: 0x0e,
  subpage: 0,
  name: 'start-stop cycle counter',
  fields: {
    manufactureYear: textAt(1, 0, 4, 'year of manufacture'),
    manufactureWeek: textAt(1, 4, 2, 'week of manufacture'),
    accountingYear: textAt(2, 0, 4, 'accounting year'),
    accountingWeek: textAt(2, 4, 2, 'accounting week'),
    specifiedCycles: numberAt(3, 0, 4, 'specified cycle count over device lifetime'),
    cycles: numberAt(4, 0, 4, 'accumulated start-stop cycles'),
    specifiedLoadUnloadCycles: numberAt(
      5,
      0,
      4,
      'specified load-unload count over device lifetime',
    ),
    loadUnloadCycles: numberAt(6, 0, 4, 'accumulated load-unload cycles'),
  },
}

/** Solid state media (SBC-3 6.3.8). */
export interface SolidStateMedia {
  /** Per cent, and more than 100 beyond what was promised; 255 stands for all above 254. */
  readonly enduranceUsed: number | undefined
}

export const SOLID_STATE_MEDIA: LogPageLayout<SolidStateMedia> = {
  page: 0x11,
  subpage: 0,
  name: 'solid state media',
  fields: { enduranceUsed: numberAt(1, 3, 1, 'percentage used endurance indicator') },
}

/** General statistics and performance (SPC-4 7.3.8). Intervals are of `intervalInteger` times ten to the minus `intervalExponent` seconds. */
export interface Statistics {
  readonly readCommands: bigint | undefined
  readonly writeCommands: bigint | undefined
  readonly blocksReceived: bigint | undefined
  readonly blocksTransmitted: bigint | undefined
  readonly readIntervals: bigint | undefined
  readonly writeIntervals: bigint | undefined
  readonly weightedCommands: bigint | undefined
  readonly weightedIntervals: bigint | undefined
  readonly idleIntervals: bigint | undefined
  readonly intervalExponent: number | undefined
  readonly intervalInteger: number | undefined
}

export const STATISTICS: LogPageLayout<Statistics> = {
  page: 0x19,
  subpage: 0,
  name: 'general statistics and performance',
  fields: {
    readCommands: countAt(1, 0, 'number of read commands'),
    writeCommands: countAt(1, 8, 'number of write commands'),
    blocksReceived: countAt(1, 16, 'number of logical blocks received'),
    blocksTransmitted: countAt(1, 24, 'number of logical blocks transmitted'),
    readIntervals: countAt(1, 32, 'read command processing intervals'),
    writeIntervals: countAt(1, 40, 'write command processing intervals'),
    weightedCommands: countAt(1, 48, 'weighted number of read commands plus write commands'),
    weightedIntervals: countAt(1, 56, 'weighted read command processing plus write'),
    idleIntervals: countAt(2, 0, 'idle time intervals'),
    intervalExponent: numberAt(3, 0, 4, 'time interval exponent'),
    intervalInteger: numberAt(3, 4, 4, 'time interval integer'),
  },
}

/** Informational exceptions (SPC-4 7.3.10): what the device would warn of; ASC 0 is nothing. */
export interface InformationalExceptions {
  readonly asc: number | undefined
  readonly ascq: number | undefined
  /** Degrees Celsius; 255 is not known. */
  readonly temperature: number | undefined
}

export const INFORMATIONAL_EXCEPTIONS: LogPageLayout<InformationalExceptions> = {
  page: 0x2f,
  subpage: 0,
  name: 'informational exceptions',
  fields: {
    asc: numberAt(0, 0, 1, 'informational exception asc'),
    ascq: numberAt(0, 1, 1, 'informational exception ascq'),
    temperature: numberAt(0, 2, 1, 'most recent temperature'),
  },
}

/** Logical block provisioning (SBC-3 6.3.4): what of a thin unit's room is used. */
export interface ProvisioningStatistics {
  /** Threshold sets: of 2 to the power of THRESHOLD EXPONENT blocks (VPD page B2h). */
  readonly available: number | undefined
  /** 1: the room is the unit's alone; 2: others may use it, too; 0: not reported. */
  readonly availableScope: number | undefined
  readonly used: number | undefined
  readonly usedScope: number | undefined
}

export const PROVISIONING_STATISTICS: LogPageLayout<ProvisioningStatistics> = {
  page: 0x0c,
  subpage: 0,
  name: 'logical block provisioning',
  fields: {
    available: numberAt(1, 0, 4, 'available LBA mapping resource count'),
    availableScope: numberAt(1, 4, 1, 'scope of what is available'),
    used: numberAt(2, 0, 4, 'used LBA mapping resource count'),
    usedScope: numberAt(2, 4, 1, 'scope of what is used'),
  },
}
