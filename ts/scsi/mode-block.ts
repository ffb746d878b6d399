/** The mode pages of disks (SBC-3 6.4). */

import { flag, number } from './fields.ts'
import type { ModePageLayout } from './mode-page.ts'

/** Read-write error recovery of disks (SBC-3 6.4.7). */
export interface ReadWriteErrorRecovery {
  readonly awre: boolean
  readonly arre: boolean
  readonly tb: boolean
  readonly rc: boolean
  readonly eer: boolean
  readonly per: boolean
  readonly dte: boolean
  readonly dcr: boolean
  readonly readRetryCount: number
  readonly lbpere: boolean
  readonly mwr: number
  readonly writeRetryCount: number
  /** Milliseconds; 0 is the device's own. */
  readonly recoveryTimeLimit: number
}

export const READ_WRITE_ERROR_RECOVERY: ModePageLayout<ReadWriteErrorRecovery> = {
  page: 0x01,
  subpage: 0,
  lengthBytes: 12,
  name: 'read-write error recovery',
  fields: {
    awre: flag(2, 7, 'AWRE'),
    arre: flag(2, 6, 'ARRE'),
    tb: flag(2, 5, 'TB'),
    rc: flag(2, 4, 'RC'),
    eer: flag(2, 3, 'EER'),
    per: flag(2, 2, 'PER'),
    dte: flag(2, 1, 'DTE'),
    dcr: flag(2, 0, 'DCR'),
    readRetryCount: number(3, 7, 8, 'READ RETRY COUNT'),
    lbpere: flag(7, 7, 'LBPERE'),
    mwr: number(7, 6, 2, 'MWR'),
    writeRetryCount: number(8, 7, 8, 'WRITE RETRY COUNT'),
    recoveryTimeLimit: number(10, 7, 16, 'RECOVERY TIME LIMIT'),
  },
}

/** Caching (SBC-3 6.4.5). Lengths are in logical blocks. */
export interface Caching {
  readonly ic: boolean
  readonly abpf: boolean
  readonly cap: boolean
  readonly disc: boolean
  readonly size: boolean
  /** Writes may end while their blocks are in a volatile cache only. */
  readonly wce: boolean
  readonly mf: boolean
  /** Reads come from the medium, not from a cache. */
  readonly rcd: boolean
  readonly demandReadRetentionPriority: number
  readonly writeRetentionPriority: number
  readonly disablePrefetchTransferLength: number
  readonly minimumPrefetch: number
  readonly maximumPrefetch: number
  readonly maximumPrefetchCeiling: number
  readonly fsw: boolean
  readonly lbcss: boolean
  readonly dra: boolean
  readonly syncProg: number
  readonly nvDis: boolean
  readonly numberOfCacheSegments: number
  /** Bytes, or blocks with LBCSS. */
  readonly cacheSegmentSize: number
}

export const CACHING: ModePageLayout<Caching> = {
  page: 0x08,
  subpage: 0,
  lengthBytes: 20,
  name: 'caching',
  fields: {
    ic: flag(2, 7, 'IC'),
    abpf: flag(2, 6, 'ABPF'),
    cap: flag(2, 5, 'CAP'),
    disc: flag(2, 4, 'DISC'),
    size: flag(2, 3, 'SIZE'),
    wce: flag(2, 2, 'WCE'),
    mf: flag(2, 1, 'MF'),
    rcd: flag(2, 0, 'RCD'),
    demandReadRetentionPriority: number(3, 7, 4, 'DEMAND READ RETENTION PRIORITY'),
    writeRetentionPriority: number(3, 3, 4, 'WRITE RETENTION PRIORITY'),
    disablePrefetchTransferLength: number(4, 7, 16, 'DISABLE PRE-FETCH TRANSFER LENGTH'),
    minimumPrefetch: number(6, 7, 16, 'MINIMUM PRE-FETCH'),
    maximumPrefetch: number(8, 7, 16, 'MAXIMUM PRE-FETCH'),
    maximumPrefetchCeiling: number(10, 7, 16, 'MAXIMUM PRE-FETCH CEILING'),
    fsw: flag(12, 7, 'FSW'),
    lbcss: flag(12, 6, 'LBCSS'),
    dra: flag(12, 5, 'DRA'),
    syncProg: number(12, 2, 2, 'SYNC_PROG'),
    nvDis: flag(12, 0, 'NV_DIS'),
    numberOfCacheSegments: number(13, 7, 8, 'NUMBER OF CACHE SEGMENTS'),
    cacheSegmentSize: number(14, 7, 16, 'CACHE SEGMENT SIZE'),
  },
}
