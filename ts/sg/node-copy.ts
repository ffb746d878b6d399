/** Copies between kernel nodes, part by part, by native threads: of a part that goes well, JavaScript hears nothing. */

import { SgringError, type SgringErrorCode, TransportError } from '../errors.ts'
import { isUnheard, tellsOfEarlierFailure, tellsOfLoss } from '../initiator/loss.ts'
import type { Completion } from '../initiator/queue.ts'
import { CheckConditionError, statusError } from '../initiator/status-error.ts'
import type { KernelCopy, KernelCopyFailure } from '../native.ts'
import { Bell } from '../ring/bell.ts'
import { blockCdb } from '../scsi/block.ts'
import { Opcode } from '../scsi/opcode.ts'
import { type Sense, SenseKey } from '../scsi/sense.ts'
import { Status } from '../task/command.ts'
import type { KernelNode } from './node.ts'
import { endedByKernel } from './node-error.ts'

/** How often progress is told. */
const LOOK_EVERY_MS = 100

/** The places of these numbers in a copy's progress. */
const AT_WORK = 2
const MARKED = 5

/** With these it cannot begin, but the ring may have another way, or tells the same better. */
const ELSEWHERE: ReadonlySet<string> = new Set<SgringErrorCode>([
  'ERR_SGRING_CLOSED',
  'ERR_SGRING_NOT_PERMITTED',
  'ERR_SGRING_READ_ONLY',
  'ERR_SGRING_SYSTEM',
])

/** An end of a copy. */
export interface NodeBlocks {
  readonly node: KernelNode
  /** The block at which it begins. */
  readonly lba: bigint
  readonly blockLength: number
  /** Hears of each unit attention condition that the copy meets there, before its part is moved otherwise, and throws where none may be. */
  readonly attention?: (sense: Sense) => void
}

/** A part of which a command was not carried out in full. */
export interface FailedPart {
  /** Bytes from the copy's beginning. */
  readonly at: number
  readonly length: number
  /** Whether it was the WRITE; nothing of the part was written otherwise. */
  readonly writing: boolean
  /** How the command ended. */
  readonly end: CommandEnd
}

/** The end of a command, as the batch form has it. */
export type CommandEnd = Omit<Completion, 'slot' | 'data' | 'release'>

/** What is copied, and who has a say in it. Source and destination must not overlap: parts are moved in any order. */
export interface NodeCopying {
  readonly from: NodeBlocks
  readonly to: NodeBlocks
  /** Bytes, as all lengths here: whole blocks of both ends. */
  readonly length: number
  /** No more than a command of either node can move. */
  readonly partBytes: number
  /** Parts under way. */
  readonly depth: number
  /** Ends it, without waiting for what the kernel has: nothing more is sent, not even the WRITE of a part that was read. */
  readonly signal: AbortSignal
  /** Moves a part otherwise, while others go on, but after a UNIT ATTENTION, which holds them; a rejection ends the copy. It settles when what it has sent has ended. */
  redo(part: FailedPart): Promise<void>
  /** Called now and then, and before the end: so many bytes more were moved, and all before `frontier`. What it throws ends the copy. */
  moved(bytes: number, frontier: number): void
  /**
   * A command has told that what counts as moved may not be there: by a deferred error, or by what `attention` throws. It ends the copy, and `moved` is not called any more.
   * Or nobody knows what it would have told: a WRITE that had no answer.
   */
  lost(error: unknown): void
  /** Hands over what resolves when the WRITEs that are under way, and parts that are moved otherwise, have ended, and `lost` was told if they say so. */
  begun?(written: () => Promise<unknown>): void
}

/**
 * Copies all of it; a node that is closed ends it, once its last command has ended. Rejects with the first failure once nothing is under way any more, with one that tells of lost data before any other one, and when it is aborted.
 *
 * @returns undefined where it cannot begin: a command would be refused, or there are no threads or no memory to be had
 */
export function copyNodes(copying: NodeCopying): Promise<void> | undefined {
  const { from, to, length, partBytes: partLength, depth } = copying
  if (copying.signal.aborted) return Promise.reject(copying.signal.reason)
  if ([from, to].some(({ lba }) => lba > Number.MAX_SAFE_INTEGER)) return undefined
  let copy: KernelCopy
  try {
    copy = from.node.beginCopy(to.node, {
      from: endOf(from, Opcode.READ_16),
      to: endOf(to, Opcode.WRITE_16),
      length,
      partLength,
      depth,
    })
  } catch (error) {
    if (error instanceof SgringError && ELSEWHERE.has(error.code)) return undefined
    throw error
  }
  return new Promise((resolve, reject) => {
    new Supervision(copying, copy, (failure) => (failure ? reject(failure.error) : resolve()))
  })
}

function endOf({ lba, blockLength }: NodeBlocks, opcode: number) {
  return { cdb: blockCdb(opcode, 0, 0, 0), lba: Number(lba), blockLength }
}

interface Failed {
  readonly error: unknown
}

/** From a copy's beginning to its end. */
class Supervision {
  readonly #copying: NodeCopying
  readonly #copy: KernelCopy
  readonly #ended: (failure: Failed | undefined) => void
  readonly #bell: Bell
  readonly #timer: NodeJS.Timeout
  readonly #abort = () => this.#leave()
  #told = 0
  /** Parts that are moved otherwise. */
  readonly #redone = new Set<Promise<void>>()
  /** Called when the WRITEs that were marked have ended. */
  #marked: () => void = () => {}
  #failure: Failed | undefined
  /** Data may be lost. */
  #lost = false
  #over = false

  constructor(copying: NodeCopying, copy: KernelCopy, ended: (failure?: Failed) => void) {
    this.#copying = copying
    this.#copy = copy
    this.#ended = ended
    const look = () => this.#look()
    this.#bell = new Bell(copy.takeBell(), { ring: look, end: look })
    this.#bell.reference(true)
    this.#timer = setInterval(look, LOOK_EVERY_MS)
    copying.signal.addEventListener('abort', this.#abort, { once: true })
    copying.begun?.(() => this.#written())
  }

  #look(): void {
    if (this.#over) {
      this.#rest()
      return
    }
    const [, frontier, atWork] = this.#tell()
    if (atWork > 0 || this.#redone.size > 0) return
    if (this.#failure === undefined && frontier < this.#copying.length) this.#fail(endedEarly())
    this.#end()
  }

  /** Tells how far it is, once it is known that nothing of it was lost. */
  #tell(): ReturnType<KernelCopy['progress']> {
    // First: whoever is at work no more has left its failure before, and whatever counts as moved was written before an error that tells of it.
    const progress = this.#copy.progress()
    const failed = this.#failures()
    const [moved, frontier] = progress
    const bytes = moved - this.#told
    this.#told = moved
    try {
      if (bytes > 0 && !this.#lost) this.#copying.moved(bytes, frontier)
    } catch (error) {
      this.#fail(error)
    }
    for (const part of failed) if (this.#failure === undefined) this.#redo(part)
    if (progress[MARKED] === 0) this.#marked()
    return progress
  }

  /** Those that were not taken yet. What they tell of earlier commands counts, whatever failed before. */
  #failures(): KernelCopyFailure[] {
    const failed: KernelCopyFailure[] = []
    for (let part = this.#copy.failure(); part !== null; part = this.#copy.failure()) {
      failed.push(part)
      try {
        this.#hear(part)
      } catch (error) {
        this.#fail(error)
      }
    }
    return failed
  }

  /** @throws what is wrong beyond the part */
  #hear(failure: KernelCopyFailure): void {
    const end = endOfCommand(failure)
    const { delivered, transport } = end
    if (!delivered && failure.writing && transport !== undefined)
      this.#copying.lost(endedByKernel(transport))
    if (end.status !== Status.CHECK_CONDITION) return
    const error = errorOf(end)
    if (failure.writing && isUnheard(error)) this.#copying.lost(error)
    if (end.sense.length === 0) return
    if (!(error instanceof CheckConditionError)) throw error
    const { sense } = error
    if (tellsOfEarlierFailure(sense)) throw error
    const { node, attention } = this.#copying[failure.writing ? 'to' : 'from']
    node.heard(sense.key, end.sense)
    if (sense.key === SenseKey.UNIT_ATTENTION) attention?.(sense)
  }

  #redo(failure: KernelCopyFailure): void {
    const redone = this.#movedAgain(failure)
    this.#redone.add(redone)
    void redone.then(() => {
      this.#redone.delete(redone)
      this.#look()
    })
  }

  async #movedAgain(failure: KernelCopyFailure): Promise<void> {
    const { at, length, writing } = failure
    try {
      await this.#copying.redo({ at, length, writing, end: endOfCommand(failure) })
      this.#copy.goOn(at, length)
    } catch (error) {
      this.#fail(error)
    }
  }

  async #written(): Promise<void> {
    this.#copy.mark()
    const marked = new Promise<void>((resolve) => {
      this.#marked = resolve
    })
    if (this.#over) this.#rest()
    else this.#tell()
    await Promise.all([marked, ...this.#redone])
  }

  #fail(error: unknown): void {
    this.#copy.stop()
    if (tellsOfLoss(error) && !this.#lost) {
      this.#lost = true
      this.#failure = { error }
      this.#copying.lost(error)
    }
    this.#failure ??= { error }
  }

  /** What the kernel has goes on. */
  #leave(): void {
    this.#tell()
    this.#fail(this.#copying.signal.reason)
    this.#end()
  }

  #end(): void {
    this.#over = true
    clearInterval(this.#timer)
    this.#bell.reference(false)
    this.#copying.signal.removeEventListener('abort', this.#abort)
    this.#rest()
    this.#ended(this.#failure)
  }

  /** It is over; of what was left behind only lost data are told. Whoever ends last rings for this. */
  #rest(): void {
    const progress = this.#copy.progress()
    this.#failures()
    if (progress[MARKED] === 0) this.#marked()
    if (progress[AT_WORK]! > 0) return
    this.#bell.close()
    this.#copying.from.node.forgetCopy(this.#copy)
    this.#copying.to.node.forgetCopy(this.#copy)
  }
}

function endedEarly(): TransportError {
  const why = 'a node of the copy was closed meanwhile, or there was no thread for the rest'
  return new TransportError('ERR_SGRING_NEXUS_LOST', why)
}

/** What a helper would throw. */
function errorOf(end: CommandEnd): unknown {
  try {
    return statusError(end)
  } catch (error) {
    return error
  }
}

/** As an engine has it: a device that answered has a status, or nothing to say against its being GOOD. */
function endOfCommand(failure: KernelCopyFailure): CommandEnd {
  const { hostStatus, driverStatus, errno } = failure
  const delivered = errno === 0 && (hostStatus === 0 || failure.status !== 0)
  const silent = hostStatus === 0 && driverStatus === 0 && errno === 0
  return {
    delivered,
    aborted: false,
    unknown: false,
    status: delivered ? failure.status : -1,
    residual: failure.inResidual,
    residualOut: failure.outResidual,
    sense: failure.sense,
    transport: silent ? undefined : { hostStatus, driverStatus, errno },
  }
}
