/** The INQUIRY data of a disk (SPC-4 6.6, 7.8; SBC-3 6.6). */

import { DeviceType, PeripheralQualifier } from '../scsi/inquiry.ts'
import { encodeDesignators, VpdPage } from '../scsi/vpd.ts'
import { encodeBlockLimits, encodeCharacteristics } from '../scsi/vpd-block.ts'
import { encodeExtendedInquiry } from '../scsi/vpd-extended.ts'
import { ANY_UNIT, designatorsOf, TASK_SET } from './identity.ts'
import { type InquiryPages, inquiryPages } from './inquiry.ts'

/** What the pages say of a disk. */
export interface DiskDescription {
  readonly product: string
  readonly serial: string
  /** Blocks that one command may move. */
  readonly maxTransferBlocks: number
  /** Writes rest in a volatile cache until they are flushed. */
  readonly volatileCache: boolean
  /** It is known that nothing turns. */
  readonly solidState: boolean
}

/** The standard data and every page that there is. */
export function diskPages(disk: DiskDescription): InquiryPages {
  const bodies: readonly (readonly [page: number, body: Uint8Array])[] = [
    [VpdPage.UNIT_SERIAL_NUMBER, new TextEncoder().encode(disk.serial)],
    [VpdPage.DEVICE_IDENTIFICATION, encodeDesignators(designatorsOf(disk.serial))],
    [
      VpdPage.EXTENDED_INQUIRY,
      encodeExtendedInquiry({
        ...TASK_SET,
        volatileCache: disk.volatileCache,
      }),
    ],
    [
      VpdPage.BLOCK_LIMITS,
      encodeBlockLimits({ ...NO_LIMITS, maxTransferLength: disk.maxTransferBlocks }),
    ],
    [
      VpdPage.BLOCK_DEVICE_CHARACTERISTICS,
      encodeCharacteristics({
        rotationRate: disk.solidState ? 1 : 0,
        productType: 0,
        formFactor: 0,
        fuab: false,
        vbuls: false,
      }),
    ],
  ]
  return inquiryPages(
    {
      ...ANY_UNIT,
      qualifier: PeripheralQualifier.CONNECTED,
      deviceType: DeviceType.DIRECT_ACCESS_BLOCK,
      product: disk.product,
    },
    bodies,
  )
}

const NO_LIMITS = {
  writeSameNonZero: false,
  maxCompareAndWriteLength: 0,
  optimalTransferLengthGranularity: 0,
  maxTransferLength: 0,
  optimalTransferLength: 0,
  maxPrefetchLength: 0,
  maxUnmapLbaCount: 0,
  maxUnmapDescriptorCount: 0,
  optimalUnmapGranularity: 0,
  unmapGranularityAlignment: undefined,
  maxWriteSameLength: 0n,
}
