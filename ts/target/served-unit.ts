/** What a server makes of the units that its caller describes. */

import { SgringError } from '../errors.ts'
import { type BackingOptions, type KeptMemory, type OpenBacking, openBacking } from './backing.ts'
import { BasicUnit, type BasicUnitOptions } from './basic-unit.ts'
import { Disk, type DiskOptions } from './disk.ts'
import type { DiskModeOptions } from './disk-mode.ts'
import type { Handler, HandlerHooks } from './handler.ts'
import { HandlerUnit } from './handler-unit.ts'
import { checkUnit, OwnUnit } from './own-unit.ts'
import type { TaskSetOptions, Unit } from './unit.ts'

/** A disk on a backing that the server opens and closes. Its hooks are the handler's. */
export type DiskUnitOptions = BackingOptions &
  TaskSetOptions &
  DiskModeOptions &
  HandlerHooks &
  Pick<
    DiskOptions,
    'blockLength' | 'thin' | 'removable' | 'vendor' | 'product' | 'revision' | 'maxTransferBytes'
  > & {
    /** The unit's serial number. Default: from a file's real path; for memory, a random one. */
    readonly serial?: string
    /** Gets each command first; its `next()` is the disk. */
    readonly handler?: Handler
  }

/**
 * A unit of a kind of the caller's own: its handler's `next()` has INQUIRY, TEST UNIT READY, REQUEST SENSE and MODE SENSE with the control
 * page, and no other command.
 */
export interface HandlerUnitOptions extends BasicUnitOptions, HandlerHooks {
  readonly handler: Handler
}

/** A unit of the caller's own behind a handler. It stays the caller's to close. */
export interface OwnUnitOptions extends HandlerHooks {
  readonly unit: Unit
  /** Gets each command first; its `next()` is the unit. */
  readonly handler: Handler
}

/** A unit, as `serve` takes it. */
export type ServedUnit = DiskUnitOptions | HandlerUnitOptions | OwnUnitOptions | Unit

/** A unit, with what was made for it. */
export interface MadeUnit {
  readonly unit: Unit
  /** The backing that was opened for it. */
  readonly backing: OpenBacking | undefined
  /** The disk that was made on it. */
  readonly disk: Disk | undefined
  /** What stands before it. */
  readonly handler: HandlerUnit | undefined
  /** As of now. */
  readonly identity: UnitIdentity
}

/** By what a unit, and what it stands on, are known again. Of a unit of the caller's own there is its device type, and no more. */
export interface UnitIdentity {
  /** Who it is, as INQUIRY tells it. */
  readonly device: string
  /** What it stands on, and how much of it. */
  readonly medium: string
  /** That was made for it, and is not one that there was before, whatever it is called. */
  readonly made: boolean
}

/**
 * Makes a unit. One of the caller's own gets tasks that are each one command's alone; the disk of this package needs none.
 *
 * @param onFailed called with what it, or its handler, has thrown: it must not throw itself
 * @param kept the files of a disk in memory, if they are to outlive the process
 * @throws `ERR_SGRING_BACKING` or `ERR_SGRING_INVALID_ARGUMENT`; nothing is left behind then
 */
export function makeUnit(
  options: ServedUnit,
  onFailed: (error: unknown) => void,
  kept?: KeptMemory,
): MadeUnit {
  if (typeof options !== 'object' || options === null) {
    throw new SgringError('ERR_SGRING_INVALID_ARGUMENT', `a unit is an object, not ${options}`)
  }
  if ('execute' in options) {
    const careful = options.execute === Disk.prototype.execute
    const unit = careful ? options : new OwnUnit(options, onFailed)
    const identity = { device: JSON.stringify([options.deviceType]), medium: '', made: false }
    return { unit, backing: undefined, disk: undefined, handler: undefined, identity }
  }
  const isDisk = 'memory' in options || 'file' in options
  const backing = isDisk ? openBacking(options, kept) : undefined
  try {
    const unit = backing === undefined ? ownUnit(options) : diskOn(backing, options)
    const disk = unit instanceof Disk ? unit : undefined
    const { handler: first } = options
    const handler =
      first === undefined ? undefined : new HandlerUnit(first, unit, onFailed, options)
    return {
      unit: handler ?? unit,
      backing,
      disk,
      handler,
      get identity() {
        const medium = JSON.stringify([backing?.place, backing?.lengthBytes, disk?.blockLength])
        const { vendor, product, serial } = options as Partial<DiskUnitOptions>
        const device = JSON.stringify([unit.deviceType, vendor, product, disk?.serial ?? serial])
        return { device, medium, made: backing?.created ?? false }
      },
    }
  } catch (error) {
    backing?.discard()
    throw error
  }
}

/** What stands behind the handler of a unit without a backing. */
function ownUnit(options: Exclude<ServedUnit, Unit>): Unit {
  if ('unit' in options) return checkUnit(options.unit)
  if (options.handler !== undefined) return new BasicUnit(options)
  throw new SgringError(
    'ERR_SGRING_INVALID_ARGUMENT',
    'a unit is { memory }, { file }, { handler }, { unit, handler } or an object with execute()',
  )
}

function diskOn(backing: OpenBacking, options: Exclude<ServedUnit, Unit>): Disk {
  const described = options as DiskUnitOptions
  return new Disk({
    ...described,
    backing,
    ...(backing.path !== undefined && { path: backing.path }),
  })
}
