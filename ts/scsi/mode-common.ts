/** The mode pages of any device (SPC-4 7.5). */

import { flag, number } from './fields.ts'
import type { ModePageLayout } from './mode-page.ts'

/** Disconnect-reconnect (SPC-4 7.5.10). What the fields mean is the transport protocol's. */
export interface DisconnectReconnect {
  readonly bufferFullRatio: number
  readonly bufferEmptyRatio: number
  readonly busInactivityLimit: number
  readonly disconnectTimeLimit: number
  readonly connectTimeLimit: number
  /** Units of 512 bytes. */
  readonly maximumBurstSize: number
  readonly emdp: boolean
  readonly fairArbitration: number
  readonly dimm: boolean
  readonly dtdc: number
  /** Units of 512 bytes. */
  readonly firstBurstSize: number
}

export const DISCONNECT_RECONNECT: ModePageLayout<DisconnectReconnect> = {
  page: 0x02,
  subpage: 0,
  lengthBytes: 16,
  name: 'disconnect-reconnect',
  fields: {
    bufferFullRatio: number(2, 7, 8, 'BUFFER FULL RATIO'),
    bufferEmptyRatio: number(3, 7, 8, 'BUFFER EMPTY RATIO'),
    busInactivityLimit: number(4, 7, 16, 'BUS INACTIVITY LIMIT'),
    disconnectTimeLimit: number(6, 7, 16, 'DISCONNECT TIME LIMIT'),
    connectTimeLimit: number(8, 7, 16, 'CONNECT TIME LIMIT'),
    maximumBurstSize: number(10, 7, 16, 'MAXIMUM BURST SIZE'),
    emdp: flag(12, 7, 'EMDP'),
    fairArbitration: number(12, 6, 3, 'FAIR ARBITRATION'),
    dimm: flag(12, 3, 'DIMM'),
    dtdc: number(12, 2, 3, 'DTDC'),
    firstBurstSize: number(14, 7, 16, 'FIRST BURST SIZE'),
  },
}

/** Control (SPC-4 7.5.8). */
export interface Control {
  /** 0: one task set for all nexuses; 1: one for each. */
  readonly tst: number
  readonly tmfOnly: boolean
  readonly dpicz: boolean
  /** Sense data comes in descriptor format. */
  readonly dSense: boolean
  /** Log parameters are not saved by themselves. */
  readonly gltsd: boolean
  readonly rlec: boolean
  /** 0: SIMPLE commands in the order of their blocks, 1: in any order. */
  readonly queueAlgorithmModifier: number
  readonly nuar: boolean
  /** What CHECK CONDITION does to other commands: 0 nothing, 1 ends them all, 3 ends those of its nexus. */
  readonly qErr: number
  readonly rac: boolean
  readonly uaIntlckCtrl: number
  /** Software write protect. */
  readonly swp: boolean
  readonly ato: boolean
  /** A command that another nexus aborts ends in TASK ABORTED. */
  readonly tas: boolean
  readonly atmpe: boolean
  readonly rwwp: boolean
  /** SPC-5. */
  readonly sblp: boolean
  readonly autoloadMode: number
  /** Units of 100 ms; FFFFh is without limit. */
  readonly busyTimeoutPeriod: number
  /** Seconds. */
  readonly extendedSelfTestCompletionTime: number
}

export const CONTROL: ModePageLayout<Control> = {
  page: 0x0a,
  subpage: 0,
  lengthBytes: 12,
  name: 'control',
  fields: {
    tst: number(2, 7, 3, 'TST'),
    tmfOnly: flag(2, 4, 'TMF_ONLY'),
    dpicz: flag(2, 3, 'DPICZ'),
    dSense: flag(2, 2, 'D_SENSE'),
    gltsd: flag(2, 1, 'GLTSD'),
    rlec: flag(2, 0, 'RLEC'),
    queueAlgorithmModifier: number(3, 7, 4, 'QUEUE ALGORITHM MODIFIER'),
    nuar: flag(3, 3, 'NUAR'),
    qErr: number(3, 2, 2, 'QERR'),
    rac: flag(4, 6, 'RAC'),
    uaIntlckCtrl: number(4, 5, 2, 'UA_INTLCK_CTRL'),
    swp: flag(4, 3, 'SWP'),
    ato: flag(5, 7, 'ATO'),
    tas: flag(5, 6, 'TAS'),
    atmpe: flag(5, 5, 'ATMPE'),
    rwwp: flag(5, 4, 'RWWP'),
    sblp: flag(5, 3, 'SBLP'),
    autoloadMode: number(5, 2, 3, 'AUTOLOAD MODE'),
    busyTimeoutPeriod: number(8, 7, 16, 'BUSY TIMEOUT PERIOD'),
    extendedSelfTestCompletionTime: number(10, 7, 16, 'EXTENDED SELF-TEST COMPLETION TIME'),
  },
}

/** Control extension (SPC-4 7.5.9). */
export interface ControlExtension {
  readonly tcmos: boolean
  readonly scsip: boolean
  readonly ialuae: boolean
  /** 0 is none; 1 the highest. */
  readonly initialCommandPriority: number
  /** Bytes; 0 is 252. */
  readonly maximumSenseDataLength: number
}

export const CONTROL_EXTENSION: ModePageLayout<ControlExtension> = {
  page: 0x0a,
  subpage: 0x01,
  lengthBytes: 32,
  name: 'control extension',
  fields: {
    tcmos: flag(4, 2, 'TCMOS'),
    scsip: flag(4, 1, 'SCSIP'),
    ialuae: flag(4, 0, 'IALUAE'),
    initialCommandPriority: number(5, 3, 4, 'INITIAL COMMAND PRIORITY'),
    maximumSenseDataLength: number(6, 7, 8, 'MAXIMUM SENSE DATA LENGTH'),
  },
}

/** Power condition (SPC-4 7.5.13). Timers count in units of 100 ms. */
export interface PowerCondition {
  readonly pmBgPrecedence: number
  readonly standbyY: boolean
  readonly idleC: boolean
  readonly idleB: boolean
  readonly idleA: boolean
  readonly standbyZ: boolean
  readonly idleATimer: number
  readonly standbyZTimer: number
  readonly idleBTimer: number
  readonly idleCTimer: number
  readonly standbyYTimer: number
  readonly ccfIdle: number
  readonly ccfStandby: number
  readonly ccfStopped: number
}

export const POWER_CONDITION: ModePageLayout<PowerCondition> = {
  page: 0x1a,
  subpage: 0,
  lengthBytes: 40,
  name: 'power condition',
  fields: {
    pmBgPrecedence: number(2, 7, 2, 'PM_BG_PRECEDENCE'),
    standbyY: flag(2, 0, 'STANDBY_Y'),
    idleC: flag(3, 3, 'IDLE_C'),
    idleB: flag(3, 2, 'IDLE_B'),
    idleA: flag(3, 1, 'IDLE_A'),
    standbyZ: flag(3, 0, 'STANDBY_Z'),
    idleATimer: number(4, 7, 32, 'IDLE_A CONDITION TIMER'),
    standbyZTimer: number(8, 7, 32, 'STANDBY_Z CONDITION TIMER'),
    idleBTimer: number(12, 7, 32, 'IDLE_B CONDITION TIMER'),
    idleCTimer: number(16, 7, 32, 'IDLE_C CONDITION TIMER'),
    standbyYTimer: number(20, 7, 32, 'STANDBY_Y CONDITION TIMER'),
    ccfIdle: number(39, 7, 2, 'CCF IDLE'),
    ccfStandby: number(39, 5, 2, 'CCF STANDBY'),
    ccfStopped: number(39, 3, 2, 'CCF STOPPED'),
  },
}

/** Informational exceptions control (SPC-4 7.5.11; SSC-4 has a test flag number where REPORT COUNT is). */
export interface InformationalExceptionsControl {
  readonly perf: boolean
  readonly ebf: boolean
  readonly ewasc: boolean
  readonly dexcpt: boolean
  readonly test: boolean
  readonly ebackerr: boolean
  readonly logerr: boolean
  /** How exceptions are reported: 0 not at all, 6 on request. */
  readonly mrie: number
  /** Units of 100 ms. */
  readonly intervalTimer: number
  readonly reportCount: number
}

export const INFORMATIONAL_EXCEPTIONS_CONTROL: ModePageLayout<InformationalExceptionsControl> = {
  page: 0x1c,
  subpage: 0,
  lengthBytes: 12,
  name: 'informational exceptions control',
  fields: {
    perf: flag(2, 7, 'PERF'),
    ebf: flag(2, 5, 'EBF'),
    ewasc: flag(2, 4, 'EWASC'),
    dexcpt: flag(2, 3, 'DEXCPT'),
    test: flag(2, 2, 'TEST'),
    ebackerr: flag(2, 1, 'EBACKERR'),
    logerr: flag(2, 0, 'LOGERR'),
    mrie: number(3, 3, 4, 'MRIE'),
    intervalTimer: number(4, 7, 32, 'INTERVAL TIMER'),
    reportCount: number(8, 7, 32, 'REPORT COUNT'),
  },
}
