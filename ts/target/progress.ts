/** Operations that take long, and what a unit says meanwhile (SPC-4 4.5.2.4.4, 6.39). */

import { SgringError } from '../errors.ts'
import { checkUint } from '../scsi/bytes.ts'
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
  /**
   * The operation outlasts its command, which is answered while it goes on (IMMED), and is over when this settles, or the unit is reset.
   * What it rejects with is the handler's own to tell.
   */
  readonly until?: Promise<unknown>
}

interface Operation {
  readonly lasts: boolean
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
   * @throws `ERR_SGRING_INVALID_ARGUMENT` for a number outside that range, or for a sense code that is none
   */
  tell(owner: object, done: number, { notReady = false, until }: ProgressOptions = {}): void {
    if (!(done >= 0 && done <= 1)) {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `done is 0 to 1, not ${String(done)}`)
    }
    const lasted = this.#operations.get(owner)?.lasts ?? false
    this.#operations.set(owner, {
      lasts: lasted || until !== undefined,
      key: notReady === false ? SenseKey.NO_SENSE : SenseKey.NOT_READY,
      ascAscq: senseCodeOf(notReady),
      progress: Math.min(0xffff, Math.floor(done * 0x1_0000)),
    })
    if (lasted || until === undefined) return
    const end = () => this.end(owner)
    Promise.resolve(until).then(end, end)
  }

  /** Whether it has one. */
  has(owner: object): boolean {
    return this.#operations.has(owner)
  }

  /** Its command is answered. */
  answered(owner: object): void {
    if (this.#operations.get(owner)?.lasts === false) this.end(owner)
  }

  /** It has none any more. */
  end(owner: object): void {
    this.#operations.delete(owner)
  }

  /** Nobody has one any more. */
  clear(): void {
    this.#operations.clear()
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

function senseCodeOf(notReady: boolean | number): number {
  if (typeof notReady === 'number') return checkUint('notReady', notReady, 0xffff)
  return notReady
    ? SenseCode.LOGICAL_UNIT_NOT_READY_OPERATION_IN_PROGRESS
    : SenseCode.OPERATION_IN_PROGRESS
}
