/**
 * GET EVENT STATUS NOTIFICATION (MMC-6 6.6), polled.
 *
 *     0,1  EVENT DESCRIPTOR LENGTH          4     event code 3..0
 *     2    NEA 7, NOTIFICATION CLASS 2..0   5..7  what the class says of it
 *     3    SUPPORTED EVENT CLASSES
 */

import { checkUint, getUint16, needBytes, setUint16 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { Opcode } from './opcode.ts'

/** Classes of events; a request has one bit for each: 1 to the left by the class. */
export const EventClass = {
  OPERATIONAL_CHANGE: 1,
  POWER_MANAGEMENT: 2,
  EXTERNAL_REQUEST: 3,
  MEDIA: 4,
  MULTI_HOST: 5,
  DEVICE_BUSY: 6,
} as const
export type EventClass = (typeof EventClass)[keyof typeof EventClass]

/** The codes of media events. */
export const MediaEvent = {
  NO_CHANGE: 0,
  EJECT_REQUEST: 1,
  NEW_MEDIA: 2,
  MEDIA_REMOVAL: 3,
  MEDIA_CHANGED: 4,
  BACKGROUND_FORMAT_COMPLETED: 5,
  BACKGROUND_FORMAT_RESTARTED: 6,
} as const
export type MediaEvent = (typeof MediaEvent)[keyof typeof MediaEvent]

/** What is to tell. */
export interface EventStatus {
  /** The classes that the device supports. */
  readonly supported: readonly number[]
  /** Of the requested class that comes first. `undefined` with NEA: the device supports none of them. */
  readonly event: DiscEvent | undefined
}

export interface DiscEvent {
  /** See `EventClass`. */
  readonly class: number
  /** 0: nothing has changed; see `MediaEvent`. */
  readonly code: number
  /** The three bytes behind the code. */
  readonly parameters: Uint8Array
  /** Media events: whether a medium is present, and the tray open. */
  readonly media: { readonly present: boolean; readonly trayOpen: boolean } | undefined
}

const HEADER = 4
const EVENT = 4
const NO_EVENT_AVAILABLE = 0x80

/** GET EVENT STATUS NOTIFICATION, polled, for these classes. */
export function getEventStatusNotification(
  classes: readonly EventClass[] = [EventClass.MEDIA],
): TypedCommand<EventStatus> {
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.GET_EVENT_STATUS_NOTIFICATION
  cdb[1] = 1
  for (const one of classes) cdb[4]! |= 1 << checkUint('class', one, 7)
  setUint16(cdb, 7, HEADER + EVENT)
  return { cdb, dataInLength: HEADER + EVENT, parse: parseEventStatus }
}

function parseEventStatus(data: Uint8Array): EventStatus {
  needBytes('GET EVENT STATUS NOTIFICATION', data, HEADER)
  const supported = [0, 1, 2, 3, 4, 5, 6, 7].filter((one) => ((data[3]! >> one) & 1) !== 0)
  // Some devices count the two bytes behind the length and some do not: an event is there in either case.
  const none = (data[2]! & NO_EVENT_AVAILABLE) !== 0 || getUint16(data, 0) < EVENT
  if (none) return { supported, event: undefined }
  needBytes('GET EVENT STATUS NOTIFICATION', data, HEADER + EVENT)
  const kind = data[2]! & 7
  const media = { present: (data[5]! & 2) !== 0, trayOpen: (data[5]! & 1) !== 0 }
  return {
    supported,
    event: {
      class: kind,
      code: data[4]! & 0xf,
      parameters: data.slice(5, 8),
      media: kind === EventClass.MEDIA ? media : undefined,
    },
  }
}
