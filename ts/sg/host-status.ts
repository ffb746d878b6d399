/** What a host adapter, or the kernel for it, says of a command (include/scsi/scsi_status.h). */

/** `enum scsi_host_status`. 10h to 13h left the header in Linux 6.1; older kernels still say them. */
const NAMES: Readonly<Record<number, string>> = {
  0: 'DID_OK',
  1: 'DID_NO_CONNECT',
  2: 'DID_BUS_BUSY',
  3: 'DID_TIME_OUT',
  4: 'DID_BAD_TARGET',
  5: 'DID_ABORT',
  6: 'DID_PARITY',
  7: 'DID_ERROR',
  8: 'DID_RESET',
  9: 'DID_BAD_INTR',
  10: 'DID_PASSTHROUGH',
  11: 'DID_SOFT_ERROR',
  12: 'DID_IMM_RETRY',
  13: 'DID_REQUEUE',
  14: 'DID_TRANSPORT_DISRUPTED',
  15: 'DID_TRANSPORT_FAILFAST',
  16: 'DID_TARGET_FAILURE',
  17: 'DID_NEXUS_FAILURE',
  18: 'DID_ALLOC_FAILURE',
  19: 'DID_MEDIUM_ERROR',
  20: 'DID_TRANSPORT_MARGINAL',
}

/** Those that decide something here. */
export const HostStatus = { OK: 0, NO_CONNECT: 1, TIME_OUT: 3, BAD_TARGET: 4 } as const

/** `DID_TIME_OUT`, or the number of one that has no name. */
export function hostStatusName(hostStatus: number): string {
  return NAMES[hostStatus] ?? `0x${hostStatus.toString(16).padStart(2, '0')}`
}
