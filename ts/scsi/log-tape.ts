/** The log pages of tapes (SSC-4 8.2). */

import { needBytes } from './bytes.ts'
import type { LogPage } from './log.ts'
import { count, type LogPageLayout, numberAt } from './log-fields.ts'

/** Sequential-access device (SSC-4 8.2.2). Capacities are in MB, of 10^6 bytes. */
export interface SequentialAccess {
  readonly bytesFromInitiators: bigint | undefined
  readonly bytesWritten: bigint | undefined
  readonly bytesRead: bigint | undefined
  readonly bytesToInitiators: bigint | undefined
  readonly capacityToEod: bigint | undefined
  readonly capacityToEarlyWarning: bigint | undefined
  readonly capacityBeyondEarlyWarning: bigint | undefined
  readonly capacityToPosition: bigint | undefined
  readonly objectBufferCapacity: bigint | undefined
  /** Not 0: cleaning is required. */
  readonly cleaning: bigint | undefined
}

export const SEQUENTIAL_ACCESS: LogPageLayout<SequentialAccess> = {
  page: 0x0c,
  subpage: 0,
  name: 'sequential-access device',
  fields: {
    bytesFromInitiators: count(0, 'data bytes received with write commands'),
    bytesWritten: count(1, 'data bytes written to media by write commands'),
    bytesRead: count(2, 'data bytes read from media by read commands'),
    bytesToInitiators: count(3, 'data bytes transferred by read commands'),
    capacityToEod: count(4, 'native capacity from BOP to EOD'),
    capacityToEarlyWarning: count(5, 'native capacity from BOP to EW'),
    capacityBeyondEarlyWarning: count(6, 'minimum native capacity from EW to EOP'),
    capacityToPosition: count(7, 'native capacity from BOP to current position'),
    objectBufferCapacity: count(8, 'maximum native capacity in object buffer'),
    cleaning: count(0x100, 'cleaning action required'),
  },
}

/** Volume statistics (SSC-4 8.2.14): of the volume that is mounted. MB are 10^6 bytes. */
export interface VolumeStatistics {
  readonly valid: bigint | undefined
  readonly threads: bigint | undefined
  readonly dataSetsWritten: bigint | undefined
  readonly writeRetries: bigint | undefined
  readonly writeErrors: bigint | undefined
  readonly suspendedWrites: bigint | undefined
  readonly fatalSuspendedWrites: bigint | undefined
  readonly dataSetsRead: bigint | undefined
  readonly readRetries: bigint | undefined
  readonly readErrors: bigint | undefined
  readonly suspendedReads: bigint | undefined
  readonly fatalSuspendedReads: bigint | undefined
  readonly lastMountWriteErrors: bigint | undefined
  readonly lastMountReadErrors: bigint | undefined
  readonly lastMountMegabytesWritten: bigint | undefined
  readonly lastMountMegabytesRead: bigint | undefined
  readonly lifetimeMegabytesWritten: bigint | undefined
  readonly lifetimeMegabytesRead: bigint | undefined
  /** Hundredths: 200 is two to one. */
  readonly lastLoadWriteCompression: bigint | undefined
  /** Hundredths. */
  readonly lastLoadReadCompression: bigint | undefined
  /** Milliseconds. */
  readonly mediumMountTime: bigint | undefined
  /** Milliseconds. */
  readonly mediumReadyTime: bigint | undefined
  readonly nativeCapacity: bigint | undefined
  readonly usedNativeCapacity: bigint | undefined
}

export const VOLUME_STATISTICS: LogPageLayout<VolumeStatistics> = {
  page: 0x17,
  subpage: 0,
  name: 'volume statistics',
  fields: {
    valid: count(0x00, 'page valid'),
    threads: count(0x01, 'thread count'),
    dataSetsWritten: count(0x02, 'total data sets written'),
    writeRetries: count(0x03, 'total write retries'),
    writeErrors: count(0x04, 'total unrecovered write errors'),
    suspendedWrites: count(0x05, 'total suspended writes'),
    fatalSuspendedWrites: count(0x06, 'total fatal suspended writes'),
    dataSetsRead: count(0x07, 'total data sets read'),
    readRetries: count(0x08, 'total read retries'),
    readErrors: count(0x09, 'total unrecovered read errors'),
    suspendedReads: count(0x0a, 'total suspended reads'),
    fatalSuspendedReads: count(0x0b, 'total fatal suspended reads'),
    lastMountWriteErrors: count(0x0c, 'last mount unrecovered write errors'),
    lastMountReadErrors: count(0x0d, 'last mount unrecovered read errors'),
    lastMountMegabytesWritten: count(0x0e, 'last mount megabytes written'),
    lastMountMegabytesRead: count(0x0f, 'last mount megabytes read'),
    lifetimeMegabytesWritten: count(0x10, 'lifetime megabytes written'),
    lifetimeMegabytesRead: count(0x11, 'lifetime megabytes read'),
    lastLoadWriteCompression: count(0x12, 'last load write compression ratio'),
    lastLoadReadCompression: count(0x13, 'last load read compression ratio'),
    mediumMountTime: count(0x14, 'medium mount time'),
    mediumReadyTime: count(0x15, 'medium ready time'),
    nativeCapacity: count(0x16, 'total native capacity'),
    usedNativeCapacity: count(0x17, 'total used native capacity'),
  },
}

/** Tape capacity, of the vendor specific page 31h that LTO drives have. MB, of 2^20 bytes. */
export interface TapeCapacity {
  readonly mainRemaining: number | undefined
  readonly alternateRemaining: number | undefined
  readonly mainMaximum: number | undefined
  readonly alternateMaximum: number | undefined
}

export const TAPE_CAPACITY: LogPageLayout<TapeCapacity> = {
  page: 0x31,
  subpage: 0,
  name: 'tape capacity',
  fields: {
    mainRemaining: numberAt(1, 0, 4, 'main partition remaining capacity'),
    alternateRemaining: numberAt(2, 0, 4, 'alternate partition remaining capacity'),
    mainMaximum: numberAt(3, 0, 4, 'main partition maximum capacity'),
    alternateMaximum: numberAt(4, 0, 4, 'alternate partition maximum capacity'),
  },
}

/** TapeAlert (SSC-4 8.2.3): the flags that are set, by their numbers of 1 to 64 (SSC-4 annex A), in ascending order. */
export function readTapeAlert({ parameters }: LogPage): readonly number[] {
  const set: number[] = []
  for (const { code, value } of parameters) {
    if (code < 1 || code > 64) continue
    needBytes(`TapeAlert flag ${code}`, value, 1)
    if ((value[0]! & 1) !== 0) set.push(code)
  }
  return set
}
