/** What a server makes of the units that its caller describes. */

import { SgringError } from '../errors.ts'
import { type BackingOptions, type OpenBacking, openBacking } from './backing.ts'
import { BasicUnit, type BasicUnitOptions } from './basic-unit.ts'
import { Disk } from './disk.ts'
import type { Handler } from './handler.ts'
import { HandlerUnit } from './handler-unit.ts'
import type { TaskSetOptions, Unit } from './unit.ts'

/** A disk on a backing that the server opens and closes. */
export type DiskUnitOptions = BackingOptions &
  TaskSetOptions & {
    /** Bytes in a logical block. Default: 512. */
    readonly blockLength?: 512 | 4096
    /** The unit's serial number. Default: from a file's real path; for memory, a random one. */
    readonly serial?: string
    /** Gets each command first; its `next()` is the disk. */
    readonly handler?: Handler
  }

/** A unit of a kind of the caller's own: its handler's `next()` has INQUIRY, TEST UNIT READY and REQUEST SENSE, and no other command. */
export interface HandlerUnitOptions extends BasicUnitOptions {
  readonly handler: Handler
}

/** A unit of the caller's own behind a handler. It stays the caller's to close. */
export interface OwnUnitOptions {
  readonly unit: Unit
  /** Gets each command first; its `next()` is the unit. */
  readonly handler: Handler
}

/** A unit, as `serve` takes it. */
export type ServedUnit = DiskUnitOptions | HandlerUnitOptions | OwnUnitOptions | Unit

/** The units of one server, as they are made. */
export class ServedUnits {
  /** Backings that were opened for them. */
  readonly backings: OpenBacking[] = []
  readonly handlers: HandlerUnit[] = []
  readonly #onFailed: (error: unknown) => void

  /** @param onFailed called with what a handler has thrown: it must not throw itself */
  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed
  }

  /**
   * Makes one.
   *
   * @throws `ERR_SGRING_BACKING` or `ERR_SGRING_INVALID_ARGUMENT`; what was made so far stands in `backings`
   */
  make(options: ServedUnit): Unit {
    if (typeof options !== 'object' || options === null) {
      throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `a unit is an object, not ${options}`)
    }
    if ('execute' in options) return options
    const unit = this.#behind(options)
    if (options.handler === undefined) return unit
    const handled = new HandlerUnit(options.handler, unit, this.#onFailed)
    this.handlers.push(handled)
    return handled
  }

  /** What stands behind the handler, if there is one. */
  #behind(options: Exclude<ServedUnit, Unit>): Unit {
    if ('unit' in options) return options.unit
    if ('memory' in options || 'file' in options) return this.#disk(options)
    if (options.handler !== undefined) return new BasicUnit(options)
    throw new SgringError(
      'ERR_SGRING_INVALID_ARGUMENT',
      'a unit is { memory }, { file }, { handler }, { unit } or an object with execute()',
    )
  }

  #disk(options: DiskUnitOptions): Disk {
    const { blockLength, serial, maxTasks, maxRunning, taskAbortedStatus } = options
    const backing = openBacking(options)
    this.backings.push(backing)
    return new Disk({
      backing,
      maxTasks,
      maxRunning,
      taskAbortedStatus,
      ...(blockLength !== undefined && { blockLength }),
      ...(serial !== undefined && { serial }),
      ...(backing.path !== undefined && { path: backing.path }),
    })
  }
}
