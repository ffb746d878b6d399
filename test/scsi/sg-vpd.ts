/** What sg_vpd and sg_inq print of pages, as labels and values; and what they would print of what this package reads in them. */

import { spawnSync } from 'node:child_process'
import type { Inquiry } from '#dist/scsi/inquiry.js'
import type { Designator } from '#dist/scsi/vpd.js'
import type { BlockDeviceCharacteristics, BlockLimits } from '#dist/scsi/vpd-block.js'
import type { ExtendedInquiry } from '#dist/scsi/vpd-extended.js'
import type { PagePolicy } from '#dist/scsi/vpd-policy.js'
import type { LogicalBlockProvisioning } from '#dist/scsi/vpd-provisioning.js'
import type { ZonedBlockDeviceCharacteristics } from '#dist/scsi/vpd-zoned.js'

export type Facts = Readonly<Record<string, string | number | bigint>>

/** The lines that the tool prints of `data`. */
export function printed(tool: string, args: readonly string[], data: Uint8Array): string[] {
  const hex = Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const ran = spawnSync(tool, [...args, '--inhex=-'], { input: hex, encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`${tool} ${args.join(' ')} < ${hex}: ${ran.stderr}`)
  return ran.stdout.split('\n').map((line) => line.trim())
}

/** `label=value` and `label: value`, of which a line has several; remarks are left out. */
export function factsOf(lines: readonly string[]): Record<string, string> {
  const facts: Record<string, string> = {}
  for (const line of lines) {
    const bare = line.replaceAll(/\[[^=\]]*\]?/g, '').replaceAll(/[[\]]/g, '')
    const parts = bare.includes('=') ? bare.split(/ {2,}| (?=\()/) : [bare]
    for (const part of parts) {
      const [, label, value] = /^\(?([^=:]+?)(?:=|: )(.*?)\)?$/.exec(part) ?? []
      if (label !== undefined) facts[label] = value!.replace(/ (blocks|rpm|\().*$/, '').trim()
    }
  }
  return facts
}

const bit = (value: boolean) => (value ? 1 : 0)

export function inquiryFacts(inquiry: Inquiry): Facts {
  return {
    PQual: inquiry.qualifier,
    PDT: inquiry.deviceType,
    RMB: bit(inquiry.removable),
    LU_CONG: bit(inquiry.conglomerate),
    version: `0x${inquiry.version.toString(16).padStart(2, '0')}`,
    NormACA: bit(inquiry.normalAca),
    HiSUP: bit(inquiry.hierarchical),
    SCCS: bit(inquiry.storageArrayController),
    TPGS: inquiry.targetPortGroups,
    '3PC': bit(inquiry.thirdPartyCopy),
    Protect: bit(inquiry.protect),
    EncServ: bit(inquiry.enclosureServices),
    MultiP: bit(inquiry.multiPort),
    CmdQue: bit(inquiry.commandQueue),
    'Vendor identification': inquiry.vendor,
    'Product identification': inquiry.product,
    'Product revision level': inquiry.revision,
  }
}

export function limitsFacts(limits: BlockLimits): Facts {
  const widest = limits.maxWriteSameLength
  return {
    'Write same non-zero (WSNZ)': bit(limits.writeSameNonZero),
    'Maximum compare and write length': limits.maxCompareAndWriteLength,
    'Optimal transfer length granularity': limits.optimalTransferLengthGranularity,
    'Maximum transfer length': limits.maxTransferLength,
    'Optimal transfer length': limits.optimalTransferLength,
    'Maximum prefetch transfer length': limits.maxPrefetchLength,
    'Maximum unmap LBA count':
      limits.maxUnmapLbaCount === 0xffff_ffff ? '-1' : limits.maxUnmapLbaCount,
    'Maximum unmap block descriptor count':
      limits.maxUnmapDescriptorCount === 0xffff_ffff ? '-1' : limits.maxUnmapDescriptorCount,
    'Optimal unmap granularity': limits.optimalUnmapGranularity,
    'Unmap granularity alignment valid': String(limits.unmapGranularityAlignment !== undefined),
    ...(limits.unmapGranularityAlignment === undefined
      ? {}
      : { 'Unmap granularity alignment': limits.unmapGranularityAlignment }),
    'Maximum write same length': widest === 0n ? 0 : `0x${widest.toString(16)}`,
    'Maximum atomic transfer length': limits.maxAtomicTransferLength,
    'Atomic alignment': limits.atomicAlignment,
    'Atomic transfer length granularity': limits.atomicTransferLengthGranularity,
    'Maximum atomic transfer length with atomic boundary':
      limits.maxAtomicTransferLengthWithBoundary,
    'Maximum atomic boundary size': limits.maxAtomicBoundarySize,
  }
}

export function characteristicsFacts(characteristics: BlockDeviceCharacteristics): Facts {
  const { rotationRate } = characteristics
  return {
    ...(rotationRate > 0x400 && rotationRate < 0xffff
      ? { 'Nominal rotation rate': rotationRate }
      : {}),
    WABEREQ: characteristics.blockEraseReads,
    WACEREQ: characteristics.cryptoEraseReads,
    ZONED: characteristics.zoned,
    RBWZ: bit(characteristics.resetBeforeWrite),
    BOCS: bit(characteristics.backgroundControl),
    FUAB: bit(characteristics.fuab),
    VBULS: bit(characteristics.vbuls),
    DEPOPULATION_TIME: characteristics.depopulationSeconds,
  }
}

export function extendedFacts(extended: ExtendedInquiry): Facts {
  const { collectionType, downloadModes } = extended
  const modes = [4, 5, 6, 7, 0xd, 0xe, 0xf].map((mode) => [
    `DM_MD_${mode.toString(16).toUpperCase()}`,
    bit(downloadModes.includes(mode)),
  ])
  return {
    ACTIVATE_MICROCODE: extended.activateMicrocode,
    SPT: extended.protectionTypes,
    GRD_CHK: bit(extended.checksGuard),
    APP_CHK: bit(extended.checksApplicationTag),
    REF_CHK: bit(extended.checksReferenceTag),
    UASK_SUP: bit(extended.attentionSpecific),
    GROUP_SUP: bit(extended.grouping),
    PRIOR_SUP: bit(extended.priority),
    HEADSUP: bit(extended.headOfQueue),
    ORDSUP: bit(extended.ordered),
    SIMPSUP: bit(extended.simple),
    WU_SUP: bit(extended.writeUncorrectable),
    CRD_SUP: bit(extended.correctionDisable),
    NV_SUP: bit(extended.nonVolatileCache),
    V_SUP: bit(extended.volatileCache),
    NO_PI_CHK: bit(extended.noProtectionCheck),
    P_I_I_SUP: bit(extended.protectionInterval),
    LUICLR: bit(extended.clearsPerNexus),
    LU_COLL_TYPE: collectionType,
    R_SUP: bit(extended.referrals),
    RTD_SUP: bit(extended.revertToDefaults),
    HSSRELEF: bit(extended.historySnapshotRelease),
    'Multi I_T nexus microcode download': extended.multiNexusDownload,
    'Extended self-test completion minutes': extended.extendedSelfTestMinutes,
    POA_SUP: bit(extended.powerOnActivation),
    HRA_SUP: bit(extended.hardResetActivation),
    VSA_SUP: bit(extended.vendorActivation),
    DMS_VALID: bit(extended.downloadModesValid),
    'Maximum supported sense data length': extended.maxSenseLength,
    IBS: bit(extended.ibs),
    IAS: bit(extended.ias),
    SAC: bit(extended.sac),
    NRD1: bit(extended.nrd1),
    NRD0: bit(extended.nrd0),
    'Maximum inquiry change logs': extended.maxInquiryChangeLogs,
    'Maximum mode page change logs': extended.maxModeChangeLogs,
    ...Object.fromEntries(modes),
  }
}

export function provisioningFacts(provisioning: LogicalBlockProvisioning): Facts {
  return {
    'Unmap command supported (LBPU)': bit(provisioning.unmap),
    'Write same (16) with unmap bit supported (LBPWS)': bit(provisioning.writeSame16),
    'Write same (10) with unmap bit supported (LBPWS10)': bit(provisioning.writeSame10),
    'Logical block provisioning read zeros (LBPRZ)': provisioning.unmappedReads,
    'Anchored LBAs supported (ANC_SUP)': bit(provisioning.anchors),
    'Threshold exponent': provisioning.thresholdExponent,
    'Minimum percentage': provisioning.minimumPercentage,
    'Provisioning type': provisioning.provisioningType,
    'Threshold percentage': provisioning.thresholdPercentage,
  }
}

export function zonedFacts(zoned: ZonedBlockDeviceCharacteristics): Facts {
  const number = (value: number, most: string) => (value === 0xffff_ffff ? most : value)
  return {
    AAORB: bit(zoned.activationOnRealms),
    URSWRZ: bit(zoned.unrestrictedReads),
    'Optimal number of open sequential write preferred zones': number(
      zoned.optimalOpenPreferred,
      'not reported',
    ),
    'Optimal number of non-sequentially written sequential write preferred zones': number(
      zoned.optimalNonSequentialPreferred,
      'not reported',
    ),
    'Maximum number of open sequential write required zones': number(
      zoned.maxOpenRequired,
      'no limit',
    ),
  }
}

const POLICIES = ['shared', 'per target port', 'per initiator port', 'per I_T nexus']

/** The lines of the mode page policy page. */
export function policyLines(policies: readonly PagePolicy[]): string[] {
  return policies.flatMap(({ page, subpage, manyUnits, policy }) => [
    `Policy page code: 0x${page.toString(16)}` +
      (subpage === 0 ? '' : `,  subpage code: 0x${subpage.toString(16)}`),
    `MLUS=${bit(manyUnits)},  Policy: ${POLICIES[policy]}`,
  ])
}

/** The lines of the identification page for NAA designators, EUI-64, names, ports and groups. */
export function designatorLines({ designator, type }: Designator): string[] {
  const hex = `0x${Buffer.from(designator).toString('hex')}`
  switch (type) {
    case 4:
      return [`Relative target port: 0x${designator[3]!.toString(16)}`]
    case 5:
      return [`Target port group: 0x${designator[3]!.toString(16)}`]
    case 6:
      return [`Logical unit group: 0x${designator[3]!.toString(16)}`]
    case 8:
      return ['SCSI name string:', Buffer.from(designator).toString()]
    default:
      return [hex]
  }
}
