/** Operations that take long, and what a unit says meanwhile (SPC-4 4.5.2.4.4, 6.39). */

import { SgringError } from '../errors.ts'
import { Opcode } from '../scsi/opcode.ts'
import { SenseKey } from '../scsi/sense.ts'
import { SenseCode } from '../scsi/sense-code.ts'
import { type Answer, checkCondition } from '../task/answer.ts'
import { answerRequestSense } from './request-sense.ts'

/** What an operation means for other commands. */
export interface ProgressOptions {
  /**
   * Other commands end in CHECK CONDITION, NOT READY meanwhile, except INQUIRY, REPORT LUNS and REQUEST SENSE: with LOGICAL UNIT NOT READY,
   * OPERATION IN PROGRESS, or with an additional sense code and qualifier as one number (0x0404 is FORMAT IN PROGRESS). Default: false.
   */
  readonly notReady?: boolean | number
}

interface Operation {
  readonly key: number
  readonly ascAscq: number
  /** In 65,536ths. */
  readonly progress: number
}

/** The operations of one unit. */
export class Progress {
  readonly #operations = new Map<object, Operation>()

  /**
   * Says how far the operation of `owner` has come.
   *
   * @param done 0 to 1
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a number outside that range
   */
  tell(owner: object, done: number, { notReady = false }: ProgressOptions = {}): void {
    if (!(done >= 0 && done <= 1)) {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `done is 0 to 1, not ${String(done)}`)
    }
    const progress = Math.min(0xffff, Math.floor(done * 0x1_0000))
    this.#operations.set(
      owner,
      notReady === false
        ? { key: SenseKey.NO_SENSE, ascAscq: SenseCode.OPERATION_IN_PROGRESS, progress }
        : {
            key: SenseKey.NOT_READY,
            ascAscq:
              notReady === true ? SenseCode.LOGICAL_UNIT_NOT_READY_OPERATION_IN_PROGRESS : notReady,
            progress,
          },
    )
  }

  /** It has none any more. */
  end(owner: object): void {
    this.#operations.delete(owner)
  }

  /** What a new command is answered in place of what it asks for, if so. Of several operations, one that is in its way goes first. */
  answer(cdb: Uint8Array): Answer | undefined {
    if (this.#operations.size === 0) return undefined
    const operations = [...this.#operations.values()]
    const { key, ascAscq, progress } =
      operations.find((one) => one.key === SenseKey.NOT_READY) ?? operations[0]!
    const more = { specific: { kind: 'progress', progress } } as const
    if (cdb[0] === Opcode.REQUEST_SENSE) return answerRequestSense(cdb, key, ascAscq, more)
    if (key !== SenseKey.NOT_READY || cdb[0] === Opcode.INQUIRY) return undefined
    return checkCondition(key, ascAscq, more)
  }
}
