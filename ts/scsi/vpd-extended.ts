/** Extended INQUIRY data (SPC-5 7.7): which task attributes, checks and caches a logical unit has. */

import { checkUint, getUint16, needBytes, setUint16 } from './bytes.ts'
import type { TypedCommand } from './command.ts'
import { type Flag, readFlags, writeFlags } from './flags.ts'
import { type VpdOptions, VpdPage, vpdCommand } from './vpd.ts'

/** Extended INQUIRY data (86h). */
export interface ExtendedInquiry {
  /** ACTIVATE MICROCODE: 1 before the final command of WRITE BUFFER ends, 2 by a reset or power on. */
  readonly activateMicrocode: number
  /** SPT: which protection types the unit can be formatted with (SPC-5 7.7). */
  readonly protectionTypes: number
  /** GRD_CHK, APP_CHK, REF_CHK: which fields of the protection information are checked. */
  readonly checksGuard: boolean
  readonly checksApplicationTag: boolean
  readonly checksReferenceTag: boolean
  /** UASK_SUP: sense key specific bytes come with unit attentions. */
  readonly attentionSpecific: boolean
  /** GROUP_SUP: the GROUP NUMBER field of CDBs counts. */
  readonly grouping: boolean
  /** PRIOR_SUP: command priority counts (SAM-5 8.8). */
  readonly priority: boolean
  /** HEADSUP, ORDSUP, SIMPSUP: the task attributes that commands may have. */
  readonly headOfQueue: boolean
  readonly ordered: boolean
  readonly simple: boolean
  /** WU_SUP, CRD_SUP: WRITE LONG takes WR_UNCOR and COR_DIS. */
  readonly writeUncorrectable: boolean
  readonly correctionDisable: boolean
  /** NV_SUP: there is a non-volatile cache. */
  readonly nonVolatileCache: boolean
  /** V_SUP: there is a volatile cache. */
  readonly volatileCache: boolean
  /** NO_PI_CHK: protection information need not be checked where tags say so. */
  readonly noProtectionCheck: boolean
  /** P_I_I_SUP: the protection information interval can be smaller than a logical block. */
  readonly protectionInterval: boolean
  /** LUICLR: REPORT LUNS clears REPORTED LUNS DATA HAS CHANGED for its own nexus only, at every unit (SAM-5 5.14). */
  readonly clearsPerNexus: boolean
  /** LU_COLL_TYPE: 0 not reported, 1 conglomerate, 2 logical unit group. */
  readonly collectionType: number
  /** R_SUP: referrals (SBC-4 clause 4). */
  readonly referrals: boolean
  /** RTD_SUP: MODE SELECT can revert to defaults. */
  readonly revertToDefaults: boolean
  /** HSSRELEF: reading an error history directory releases snapshots as SPC-5 says. */
  readonly historySnapshotRelease: boolean
  /** MULTI I_T NEXUS MICROCODE DOWNLOAD. */
  readonly multiNexusDownload: number
  /** Minutes of an extended self-test, 0 if that is not reported, 65,535 if it is that or more. */
  readonly extendedSelfTestMinutes: number
  /** POA_SUP, HRA_SUP, VSA_SUP: deferred microcode is activated by power on, hard reset, a vendor's event. */
  readonly powerOnActivation: boolean
  readonly hardResetActivation: boolean
  readonly vendorActivation: boolean
  /** DMS_VALID: `downloadModes` is valid. */
  readonly downloadModesValid: boolean
  /** DM_MD_4 to DM_MD_F: the modes in which WRITE BUFFER can download microcode, of 4 to 7 and Dh to Fh. */
  readonly downloadModes: readonly number[]
  /** IBS, IAS, SAC, NRD1, NRD0, by their names in SPC-5. */
  readonly ibs: boolean
  readonly ias: boolean
  readonly sac: boolean
  readonly nrd1: boolean
  readonly nrd0: boolean
  /** Bytes of the longest sense data; 0 if that is not reported. */
  readonly maxSenseLength: number
  /** MAXIMUM INQUIRY CHANGE LOGS and MAXIMUM MODE PAGE CHANGE LOGS. */
  readonly maxInquiryChangeLogs: number
  readonly maxModeChangeLogs: number
}

const FLAGS = {
  checksGuard: [0, 2],
  checksApplicationTag: [0, 1],
  checksReferenceTag: [0, 0],
  attentionSpecific: [1, 5],
  grouping: [1, 4],
  priority: [1, 3],
  headOfQueue: [1, 2],
  ordered: [1, 1],
  simple: [1, 0],
  writeUncorrectable: [2, 3],
  correctionDisable: [2, 2],
  nonVolatileCache: [2, 1],
  volatileCache: [2, 0],
  noProtectionCheck: [3, 5],
  protectionInterval: [3, 4],
  clearsPerNexus: [3, 0],
  referrals: [4, 4],
  revertToDefaults: [4, 3],
  historySnapshotRelease: [4, 1],
  powerOnActivation: [8, 7],
  hardResetActivation: [8, 6],
  vendorActivation: [8, 5],
  downloadModesValid: [8, 4],
  ibs: [10, 7],
  ias: [10, 6],
  sac: [10, 2],
  nrd1: [10, 1],
  nrd0: [10, 0],
} as const satisfies Record<string, Flag>

/** Those that have a bit, from bit 7 of byte 19 downwards. */
const DOWNLOAD_MODES: readonly number[] = [4, 5, 6, 7, 0xd, 0xe, 0xf]

const BODY_LENGTH = 60

/** INQUIRY for the extended INQUIRY data page. */
export function vpdExtendedInquiry(options?: VpdOptions): TypedCommand<ExtendedInquiry> {
  return vpdCommand(VpdPage.EXTENDED_INQUIRY, parseExtendedInquiry, options)
}

/** The body of the extended INQUIRY data page; what is not given is 0. */
export function encodeExtendedInquiry(extended: Partial<ExtendedInquiry>): Uint8Array {
  const body = new Uint8Array(BODY_LENGTH)
  writeFlags(body, FLAGS, extended)
  body[0]! |=
    (checkUint('activateMicrocode', extended.activateMicrocode ?? 0, 3) << 6) |
    (checkUint('protectionTypes', extended.protectionTypes ?? 0, 7) << 3)
  body[4]! |= checkUint('collectionType', extended.collectionType ?? 0, 7) << 5
  body[5] = checkUint('multiNexusDownload', extended.multiNexusDownload ?? 0, 0xf)
  const uint16 = (at: number, name: string, value = 0) => {
    setUint16(body, at, checkUint(name, value, 0xffff))
  }
  uint16(6, 'extendedSelfTestMinutes', extended.extendedSelfTestMinutes)
  body[9] = checkUint('maxSenseLength', extended.maxSenseLength ?? 0, 0xff)
  uint16(11, 'maxInquiryChangeLogs', extended.maxInquiryChangeLogs)
  uint16(13, 'maxModeChangeLogs', extended.maxModeChangeLogs)
  DOWNLOAD_MODES.forEach((mode, index) => {
    if (extended.downloadModes?.includes(mode) === true) body[15]! |= 0x80 >> index
  })
  return body
}

function parseExtendedInquiry(short: Uint8Array): ExtendedInquiry {
  // SPC-3 has but these; what a shorter page does not say is 0.
  needBytes('extended INQUIRY data', short, 4)
  const body = new Uint8Array(BODY_LENGTH)
  body.set(short.subarray(0, BODY_LENGTH))
  return {
    ...readFlags(body, FLAGS),
    activateMicrocode: body[0]! >> 6,
    protectionTypes: (body[0]! >> 3) & 7,
    collectionType: body[4]! >> 5,
    multiNexusDownload: body[5]! & 0xf,
    extendedSelfTestMinutes: getUint16(body, 6),
    maxSenseLength: body[9]!,
    maxInquiryChangeLogs: getUint16(body, 11),
    maxModeChangeLogs: getUint16(body, 13),
    downloadModes: DOWNLOAD_MODES.filter((_, index) => (body[15]! & (0x80 >> index)) !== 0),
  }
}
