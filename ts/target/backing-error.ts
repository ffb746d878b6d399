/** What a failed transfer means in SCSI: the one table from `errno` to status and sense. */

import { parseSense, SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition, status } from '../task/answer.ts'
import { Status } from '../task/command.ts'

/** The numbers of Linux, the same on x64 and arm64 (include/uapi/asm-generic/errno.h). */
const Errno = {
  EPERM: 1,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENODEV: 19,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EBADE: 52,
  ENODATA: 61,
  ENOLINK: 67,
  EBADMSG: 74,
  EILSEQ: 84,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ESTALE: 116,
  EUCLEAN: 117,
  EDQUOT: 122,
  ENOMEDIUM: 123,
  ECANCELED: 125,
} as const

type Direction = 'read' | 'write'

/**
 * The answer for a transfer that failed. A flush fails as a write does: what was written is not on the medium. INFORMATION stays
 * invalid, since a backing does not say which block it failed at.
 */
export function answerBackingError(errno: number, direction: Direction): Answer {
  switch (errno) {
    // Bytes that cannot be had. File systems say EIO; the block layer ENODATA for a medium error and EILSEQ for failed protection
    // information (block/blk-core.c); EUCLEAN and EBADMSG are a damaged file system.
    case Errno.EIO:
    case Errno.ENODATA:
    case Errno.EILSEQ:
    case Errno.EUCLEAN:
    case Errno.EBADMSG:
      return checkCondition(
        SenseKey.MEDIUM_ERROR,
        direction === 'read' ? SenseCode.UNRECOVERED_READ_ERROR : SenseCode.WRITE_ERROR,
      )
    // A thin unit whose pool is full (SBC-3 4.7.3.6): not an error of the medium, and reads go on.
    case Errno.ENOSPC:
    case Errno.EDQUOT:
    case Errno.EFBIG:
      return checkCondition(SenseKey.DATA_PROTECT, SenseCode.SPACE_ALLOCATION_FAILED_WRITE_PROTECT)
    case Errno.EROFS:
    case Errno.EPERM:
    case Errno.EACCES:
      return checkCondition(SenseKey.DATA_PROTECT, SenseCode.WRITE_PROTECTED)
    case Errno.ENXIO:
    case Errno.ENODEV:
    case Errno.ENOMEDIUM:
    case Errno.ESTALE:
    case Errno.ENOLINK:
      return VANISHED
    // Nothing is wrong with the command, it may come again. BUSY makes no promise of when (SAM-5 5.3.1).
    case Errno.ECANCELED:
    case Errno.EAGAIN:
    case Errno.ENOMEM:
    case Errno.ENOBUFS:
      return status(Status.BUSY)
    case Errno.ETIMEDOUT:
      return checkCondition(SenseKey.ABORTED_COMMAND, SenseCode.COMMAND_TIMEOUT_DURING_PROCESSING)
    // The initiator's memory could not be read or written.
    case Errno.EFAULT:
      return checkCondition(SenseKey.ABORTED_COMMAND, SenseCode.DATA_PHASE_ERROR)
    // The device below is reserved by somebody else (BLK_STS_RESV_CONFLICT).
    case Errno.EBADE:
      return status(Status.RESERVATION_CONFLICT)
    // EINVAL, EBADF, EREMOTEIO and whatever else: a fault on this side, which a retry does not mend.
    default:
      return checkCondition(SenseKey.HARDWARE_ERROR, SenseCode.INTERNAL_TARGET_FAILURE)
  }
}

/** Whether the backing is gone: its descriptor will never work again. */
export function isVanished(errno: number): boolean {
  return answerBackingError(errno, 'read') === VANISHED
}

/** Whether bytes could not be had from the medium, or brought there: no retry of this side's has helped. */
export function isMediumError({ sense }: Answer): boolean {
  return sense !== undefined && parseSense(sense).key === SenseKey.MEDIUM_ERROR
}

/**
 * The device was pulled, or its server forgot the file. Not HARDWARE ERROR, which says that the unit is broken: it is intact and not
 * there. 04h 03h of the NOT READY codes, since neither waiting (04h 01h) nor START STOP UNIT (04h 02h) brings it back: somebody must.
 * TEST UNIT READY then says the same.
 */
export const VANISHED: Answer = checkCondition(
  SenseKey.NOT_READY,
  SenseCode.LOGICAL_UNIT_NOT_READY_MANUAL_INTERVENTION_REQUIRED,
)
