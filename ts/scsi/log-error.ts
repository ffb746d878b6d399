/** The error counter log pages (SPC-4 7.3.6, 7.3.9). */

import { count, type LogPageLayout } from './log-fields.ts'

/** Errors of writes, reads, reads backwards or verifies since the counters were set back. */
export interface ErrorCounters {
  readonly correctedWithoutDelay: bigint | undefined
  readonly correctedWithDelay: bigint | undefined
  /** Rewrites or rereads. */
  readonly retries: bigint | undefined
  readonly corrected: bigint | undefined
  readonly correctionAlgorithmRuns: bigint | undefined
  readonly bytesProcessed: bigint | undefined
  readonly uncorrected: bigint | undefined
}

export const WRITE_ERRORS: LogPageLayout<ErrorCounters> = counters(0x02, 'write error counters')
export const READ_ERRORS: LogPageLayout<ErrorCounters> = counters(0x03, 'read error counters')
export const READ_REVERSE_ERRORS: LogPageLayout<ErrorCounters> = counters(
  0x04,
  'read reverse error counters',
)
export const VERIFY_ERRORS: LogPageLayout<ErrorCounters> = counters(0x05, 'verify error counters')

/** Errors of other kinds. */
export interface NonMediumErrors {
  readonly errors: bigint | undefined
}

export const NON_MEDIUM_ERRORS: LogPageLayout<NonMediumErrors> = {
  page: 0x06,
  subpage: 0,
  name: 'non-medium error',
  fields: { errors: count(0, 'non-medium error count') },
}

function counters(page: number, name: string): LogPageLayout<ErrorCounters> {
  return {
    page,
    subpage: 0,
    name,
    fields: {
      correctedWithoutDelay: count(0, 'errors corrected without substantial delay'),
      correctedWithDelay: count(1, 'errors corrected with possible delays'),
      retries: count(2, 'total rewrites or rereads'),
      corrected: count(3, 'total errors corrected'),
      correctionAlgorithmRuns: count(4, 'total times correction algorithm processed'),
      bytesProcessed: count(5, 'total bytes processed'),
      uncorrected: count(6, 'total uncorrected errors'),
    },
  }
}
