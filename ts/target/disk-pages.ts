/** The INQUIRY data of a disk (SPC-4 6.6, 7.8; SBC-3 6.6). */

import { DeviceType, PeripheralQualifier } from '../scsi/inquiry.ts'
import { encodeDesignators, VpdPage } from '../scsi/vpd.ts'
import { type BlockLimits, encodeBlockLimits, encodeCharacteristics } from '../scsi/vpd-block.ts'
import { encodeExtendedInquiry } from '../scsi/vpd-extended.ts'
import { encodeProvisioning, ProvisioningType } from '../scsi/vpd-provisioning.ts'
import { type DiskTraits, MAX_COMPARE_AND_WRITE } from './disk-core.ts'
import { thresholdExponent } from './disk-log.ts'
import { MAX_UNMAP_BLOCKS, MAX_UNMAP_DESCRIPTORS } from './disk-provisioning.ts'
import { ANY_UNIT, designatorsOf, TASK_SET } from './identity.ts'
import { type InquiryPages, inquiryPages } from './inquiry.ts'

/** Who the disk says that it is. */
interface Identity {
  readonly vendor: string
  readonly product: string
  readonly revision: string
  readonly serial: string
}

/** The standard data and every page that there is. */
export function diskPages(
  disk: DiskTraits,
  { vendor, product, revision, serial }: Identity,
): InquiryPages {
  const bodies: readonly (readonly [page: number, body: Uint8Array])[] = [
    [VpdPage.UNIT_SERIAL_NUMBER, new TextEncoder().encode(serial)],
    [VpdPage.DEVICE_IDENTIFICATION, encodeDesignators(designatorsOf(serial, vendor))],
    [
      VpdPage.EXTENDED_INQUIRY,
      encodeExtendedInquiry({
        ...TASK_SET,
        volatileCache: disk.volatileCache,
      }),
    ],
    [
      VpdPage.BLOCK_LIMITS,
      encodeBlockLimits({
        maxTransferLength: disk.maxTransferBlocks,
        maxCompareAndWriteLength: Math.min(MAX_COMPARE_AND_WRITE, disk.maxTransferBlocks),
        ...unmapLimits(disk),
      }),
    ],
    [
      VpdPage.BLOCK_DEVICE_CHARACTERISTICS,
      // It is known that nothing turns.
      encodeCharacteristics({ rotationRate: disk.backing.kind === 'memory' ? 1 : 0 }),
    ],
    ...(disk.thin ? [provisioning(disk)] : []),
  ]
  return inquiryPages(
    {
      ...ANY_UNIT,
      qualifier: PeripheralQualifier.CONNECTED,
      deviceType: DeviceType.DIRECT_ACCESS_BLOCK,
      vendor,
      product,
      revision,
      removable: disk.removable,
    },
    bodies,
  )
}

/** What a memory and most file systems give back at least (`crates/store/src/memory.rs`). */
const PAGE_BYTES = 4096

/** Of UNMAP, where there is one. */
function unmapLimits({ thin, blockLength }: DiskTraits): Partial<BlockLimits> {
  if (!thin) return {}
  return {
    maxUnmapLbaCount: MAX_UNMAP_BLOCKS,
    maxUnmapDescriptorCount: MAX_UNMAP_DESCRIPTORS,
    optimalUnmapGranularity: PAGE_BYTES / blockLength,
    unmapGranularityAlignment: 0,
  }
}

/** UNMAP, and WRITE SAME with UNMAP, after which blocks read as zeros; nothing is anchored. Room is told where it is known. */
function provisioning(disk: DiskTraits): readonly [page: number, body: Uint8Array] {
  const { backing, blockLength } = disk
  const body = encodeProvisioning({
    thresholdExponent: backing.usage === undefined ? 0 : thresholdExponent(blockLength),
    unmap: true,
    writeSame16: true,
    writeSame10: true,
    unmappedReads: 1,
    provisioningType: ProvisioningType.THIN,
  })
  return [VpdPage.LOGICAL_BLOCK_PROVISIONING, body]
}
