/** Exit codes: those of sg3_utils (sg3_utils(8), EXIT STATUS), as its utilities choose them (`sg_err_category_sense`). */

import { SgringError, type SgringErrorCode } from '../errors.ts'
import { CheckConditionError, ScsiStatusError } from '../initiator/status-error.ts'
import { SenseKey } from '../scsi/sense.ts'
import { Status } from '../task/command.ts'

/** A code, and what it means. */
export const ExitCode = {
  SUCCESS: 0,
  SYNTAX: 1,
  NOT_READY: 2,
  MEDIUM_OR_HARDWARE: 3,
  ILLEGAL_REQUEST: 5,
  UNIT_ATTENTION: 6,
  DATA_PROTECT: 7,
  INVALID_OPCODE: 9,
  COPY_ABORTED: 10,
  ABORTED_COMMAND: 11,
  MISCOMPARE: 14,
  FILE: 15,
  NO_SENSE: 20,
  RECOVERED: 21,
  LBA_OUT_OF_RANGE: 22,
  RESERVATION_CONFLICT: 24,
  CONDITION_MET: 25,
  BUSY: 26,
  TASK_SET_FULL: 27,
  ACA_ACTIVE: 28,
  TASK_ABORTED: 29,
  TIMEOUT: 33,
  FALSE: 36,
  PROTECTION: 40,
  MALFORMED: 97,
  OTHER_SENSE: 98,
  OTHER: 99,
  /** 128 and the number of SIGPIPE: whoever read the output has gone. */
  BROKEN_PIPE: 141,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** The codes that the help tells, in words. */
export const EXIT_CODE_HELP: readonly (readonly [ExitCode, string])[] = [
  [ExitCode.SUCCESS, 'success'],
  [ExitCode.SYNTAX, 'the command line is wrong'],
  [ExitCode.NOT_READY, 'the unit is not ready'],
  [ExitCode.MEDIUM_OR_HARDWARE, 'medium or hardware error'],
  [ExitCode.ILLEGAL_REQUEST, 'the unit refused the request'],
  [ExitCode.UNIT_ATTENTION, 'unit attention: again and again, or data may be lost'],
  [ExitCode.DATA_PROTECT, 'the unit is write-protected'],
  [ExitCode.INVALID_OPCODE, 'the unit does not know the command'],
  [ExitCode.ABORTED_COMMAND, 'the unit aborted the command'],
  [ExitCode.MISCOMPARE, 'the data differ'],
  [ExitCode.FILE, 'a file or the target cannot be opened or used'],
  [ExitCode.LBA_OUT_OF_RANGE, 'beyond the end of the unit'],
  [ExitCode.RESERVATION_CONFLICT, 'reservation conflict'],
  [ExitCode.BUSY, 'busy: commands are under way'],
  [ExitCode.TIMEOUT, 'no answer in time'],
  [ExitCode.FALSE, 'what was asked is not so'],
  [ExitCode.MALFORMED, 'the answer makes no sense'],
  [ExitCode.OTHER, 'anything else; 128 and more: a signal'],
]

const OF_SENSE_KEY: Readonly<Record<number, ExitCode>> = {
  [SenseKey.NO_SENSE]: ExitCode.NO_SENSE,
  [SenseKey.RECOVERED_ERROR]: ExitCode.RECOVERED,
  [SenseKey.NOT_READY]: ExitCode.NOT_READY,
  [SenseKey.MEDIUM_ERROR]: ExitCode.MEDIUM_OR_HARDWARE,
  [SenseKey.HARDWARE_ERROR]: ExitCode.MEDIUM_OR_HARDWARE,
  [SenseKey.ILLEGAL_REQUEST]: ExitCode.ILLEGAL_REQUEST,
  [SenseKey.UNIT_ATTENTION]: ExitCode.UNIT_ATTENTION,
  [SenseKey.DATA_PROTECT]: ExitCode.DATA_PROTECT,
  [SenseKey.BLANK_CHECK]: ExitCode.MEDIUM_OR_HARDWARE,
  [SenseKey.COPY_ABORTED]: ExitCode.COPY_ABORTED,
  [SenseKey.ABORTED_COMMAND]: ExitCode.ABORTED_COMMAND,
  [SenseKey.MISCOMPARE]: ExitCode.MISCOMPARE,
}

const OF_STATUS: Readonly<Record<number, ExitCode>> = {
  [Status.CONDITION_MET]: ExitCode.CONDITION_MET,
  [Status.BUSY]: ExitCode.BUSY,
  [Status.RESERVATION_CONFLICT]: ExitCode.RESERVATION_CONFLICT,
  [Status.TASK_SET_FULL]: ExitCode.TASK_SET_FULL,
  [Status.ACA_ACTIVE]: ExitCode.ACA_ACTIVE,
  [Status.TASK_ABORTED]: ExitCode.TASK_ABORTED,
}

const OF_CODE: Readonly<Partial<Record<SgringErrorCode, ExitCode>>> = {
  ERR_SGRING_ABORTED: ExitCode.ABORTED_COMMAND,
  ERR_SGRING_ABORT_UNANSWERED: ExitCode.TIMEOUT,
  ERR_SGRING_ADDRESS: ExitCode.SYNTAX,
  ERR_SGRING_CDB_LENGTH: ExitCode.SYNTAX,
  ERR_SGRING_INVALID_ARGUMENT: ExitCode.SYNTAX,
  ERR_SGRING_ADDRESS_IN_USE: ExitCode.FILE,
  ERR_SGRING_BACKING: ExitCode.FILE,
  ERR_SGRING_BUSY: ExitCode.BUSY,
  ERR_SGRING_CONNECT: ExitCode.FILE,
  ERR_SGRING_JOIN: ExitCode.FILE,
  ERR_SGRING_NOT_A_SOCKET: ExitCode.FILE,
  ERR_SGRING_NO_TARGET: ExitCode.FILE,
  ERR_SGRING_PATH_TOO_LONG: ExitCode.FILE,
  ERR_SGRING_PEER_NOT_ALLOWED: ExitCode.FILE,
  ERR_SGRING_NODE_BUSY: ExitCode.FILE,
  ERR_SGRING_NODE_DENIED: ExitCode.FILE,
  ERR_SGRING_NOT_PERMITTED: ExitCode.FILE,
  ERR_SGRING_NO_DEVICE: ExitCode.FILE,
  ERR_SGRING_READ_ONLY: ExitCode.FILE,
  ERR_SGRING_TRANSPORT: ExitCode.FILE,
  ERR_SGRING_UNSUPPORTED: ExitCode.FILE,
  ERR_SGRING_TRANSFER_LENGTH: ExitCode.SYNTAX,
  ERR_SGRING_TIMEOUT: ExitCode.TIMEOUT,
  ERR_SGRING_RESPONSE: ExitCode.MALFORMED,
}

/** What the command line's own errors are about, where it is no argument. */
const CODE_OF: Readonly<Partial<Record<ExitCode, SgringErrorCode>>> = {
  [ExitCode.FILE]: 'ERR_SGRING_SYSTEM',
  [ExitCode.OTHER]: 'ERR_SGRING_SYSTEM',
}

/** An error of the command line's own, with its exit code. */
export class CliError extends SgringError {
  override readonly name: string = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(CODE_OF[exitCode] ?? 'ERR_SGRING_INVALID_ARGUMENT', message, options)
    this.exitCode = exitCode
  }
}

/** What is wrong with a configuration, each with its place: `units[3].lun: -1 is less than 0`. */
export class ConfigError extends CliError {
  override readonly name: string = 'ConfigError'
  readonly problems: readonly string[]

  /** @param what what is wrong, such as a file's name */
  constructor(what: string, problems: readonly string[]) {
    const [first, ...others] = problems
    const all = others.length === 0 ? `: ${first}` : ` has ${problems.length} errors`
    super(ExitCode.SYNTAX, `${what}${all}`)
    this.problems = problems
  }
}

/** The parts of an error that has several. */
export function problemsOf(error: unknown): readonly string[] | undefined {
  return error instanceof ConfigError ? error.problems : undefined
}

/** The exit code for what a verb threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode
  if (error instanceof CheckConditionError) return ofSense(error)
  if (error instanceof ScsiStatusError) return OF_STATUS[error.status] ?? ExitCode.OTHER
  if (error instanceof SgringError) return OF_CODE[error.code] ?? ExitCode.OTHER
  // A system call of Node's own: here these are all about files.
  if (error instanceof Error && 'syscall' in error) {
    return 'code' in error && error.code === 'EPIPE' ? ExitCode.BROKEN_PIPE : ExitCode.FILE
  }
  return ExitCode.OTHER
}

function ofSense({ senseKey, asc, ascq }: CheckConditionError): ExitCode {
  if (senseKey === SenseKey.ILLEGAL_REQUEST && ascq === 0) {
    if (asc === 0x20) return ExitCode.INVALID_OPCODE
    if (asc === 0x21) return ExitCode.LBA_OUT_OF_RANGE
  }
  if (senseKey === SenseKey.ABORTED_COMMAND && asc === 0x10) return ExitCode.PROTECTION
  return OF_SENSE_KEY[senseKey] ?? ExitCode.OTHER_SENSE
}
