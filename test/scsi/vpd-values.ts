/** Vital product data whose every field has a value of its own, none of them 0. */

import { type Designator, DesignatorType } from '#dist/scsi/vpd.js'
import type { BlockDeviceCharacteristics, BlockLimits } from '#dist/scsi/vpd-block.js'
import type { ExtendedInquiry } from '#dist/scsi/vpd-extended.js'
import type { PagePolicy } from '#dist/scsi/vpd-policy.js'
import type { LogicalBlockProvisioning } from '#dist/scsi/vpd-provisioning.js'
import type { ZonedBlockDeviceCharacteristics } from '#dist/scsi/vpd-zoned.js'

const naa: Designator = {
  association: 0,
  type: DesignatorType.NAA,
  codeSet: 1,
  protocol: undefined,
  designator: Uint8Array.of(0x30, 1, 2, 3, 4, 5, 6, 7),
}

const limits: BlockLimits = {
  writeSameNonZero: true,
  maxCompareAndWriteLength: 1,
  optimalTransferLengthGranularity: 2,
  maxTransferLength: 0xffff_ffff,
  optimalTransferLength: 4,
  maxPrefetchLength: 5,
  maxUnmapLbaCount: 6,
  maxUnmapDescriptorCount: 7,
  optimalUnmapGranularity: 8,
  unmapGranularityAlignment: 0x7fff_ffff,
  maxWriteSameLength: 2n ** 64n - 1n,
  maxAtomicTransferLength: 9,
  atomicAlignment: 10,
  atomicTransferLengthGranularity: 11,
  maxAtomicTransferLengthWithBoundary: 12,
  maxAtomicBoundarySize: 13,
}

const characteristics: BlockDeviceCharacteristics = {
  rotationRate: 7200,
  productType: 3,
  blockEraseReads: 2,
  cryptoEraseReads: 1,
  formFactor: 2,
  actuators: true,
  zoned: 1,
  resetBeforeWrite: true,
  backgroundControl: true,
  fuab: true,
  vbuls: true,
  depopulationSeconds: 600,
}

const extended: ExtendedInquiry = {
  activateMicrocode: 1,
  protectionTypes: 5,
  checksGuard: true,
  checksApplicationTag: true,
  checksReferenceTag: true,
  attentionSpecific: true,
  grouping: true,
  priority: true,
  headOfQueue: true,
  ordered: true,
  simple: true,
  writeUncorrectable: true,
  correctionDisable: true,
  nonVolatileCache: true,
  volatileCache: true,
  noProtectionCheck: true,
  protectionInterval: true,
  clearsPerNexus: true,
  collectionType: 2,
  referrals: true,
  revertToDefaults: true,
  historySnapshotRelease: true,
  multiNexusDownload: 3,
  extendedSelfTestMinutes: 258,
  powerOnActivation: true,
  hardResetActivation: true,
  vendorActivation: true,
  downloadModesValid: true,
  downloadModes: [4, 5, 6, 7, 0xd, 0xe, 0xf],
  ibs: true,
  ias: true,
  sac: true,
  nrd1: true,
  nrd0: true,
  maxSenseLength: 252,
  maxInquiryChangeLogs: 259,
  maxModeChangeLogs: 260,
}

const provisioning: LogicalBlockProvisioning = {
  thresholdExponent: 11,
  unmap: true,
  writeSame16: true,
  writeSame10: true,
  unmappedReads: 1,
  anchors: true,
  provisioningType: 2,
  minimumPercentage: 17,
  thresholdPercentage: 90,
  group: naa,
}

const zoned: ZonedBlockDeviceCharacteristics = {
  extension: 1,
  activationOnRealms: true,
  unrestrictedReads: true,
  optimalOpenPreferred: 8,
  optimalNonSequentialPreferred: 9,
  maxOpenRequired: 128,
  alignmentMethod: 1,
  startingLbaGranularity: 0x8_0000n,
}

const policies: readonly PagePolicy[] = [
  { page: 0x08, subpage: 0, manyUnits: false, policy: 1 },
  { page: 0x3f, subpage: 0xff, manyUnits: true, policy: 3 },
]

const designators: readonly Designator[] = [
  naa,
  {
    association: 1,
    type: DesignatorType.SCSI_NAME,
    codeSet: 3,
    protocol: 5,
    designator: new Uint8Array(248).fill(0x41),
  },
]

export const everyField = {
  limits,
  characteristics,
  extended,
  provisioning,
  zoned,
  policies,
  designators,
}
