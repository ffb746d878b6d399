/**
 * Broadcom MPI3 adapters, node `/dev/bsg/mpi3mrctlN` (uapi/scsi/scsi_bsg_mpi3mr.h; drivers/scsi/mpi3mr/mpi3mr_app.c). Experimental:
 * checked against the header, never against an adapter. Fields are little-endian.
 *
 *     struct mpi3mr_bsg_packet
 *     0   cmd_type: 1 for the driver, 2 for the adapter's firmware
 *     8   driver: mrioc_id, opcode                          firmware: mrioc_id; timeout in seconds at 10
 *     16                                                    number of buffers
 *     24                                                    8 bytes a buffer: its type at 0, its length at 4
 *     32  the end of the packet, or further buffers
 *
 * The buffers of a firmware request lie one after the other: those to the adapter in `dataOut`, those from it in `data`.
 */

import { SgringError } from '../../errors.ts'
import { badResponse, checkUint, getAscii, needBytes } from '../../scsi/bytes.ts'
import { littleEndian, type TransportMessage } from './message.ts'

const PACKET = 32
const DRIVER = 1
const FIRMWARE = 2
const FIRST_BUFFER = 24
const BUFFER = 8

/** What the driver itself does. */
export const Mpi3mrOpcode = {
  ADAPTER_INFORMATION: 1,
  ADAPTER_RESET: 2,
  ALL_TARGETS: 4,
  CHANGE_COUNT: 5,
  LOG_DATA_ENABLE: 6,
  EVENT_LOG_ENABLE: 7,
  GET_LOG_DATA: 8,
  QUERY_DIAGNOSTIC_BUFFERS: 9,
  REPOST_DIAGNOSTIC_BUFFER: 10,
  UPLOAD_DIAGNOSTIC_BUFFER: 11,
  REFRESH_DIAGNOSTIC_TRIGGERS: 12,
} as const
export type Mpi3mrOpcode = (typeof Mpi3mrOpcode)[keyof typeof Mpi3mrOpcode]

/** What a buffer of a firmware request is. */
export const Mpi3mrBuffer = {
  RAID_MANAGEMENT_COMMAND: 1,
  RAID_MANAGEMENT_RESPONSE: 2,
  DATA_IN: 3,
  DATA_OUT: 4,
  MPI_REPLY: 5,
  ERROR_RESPONSE: 6,
  MPI_REQUEST: 0xfe,
} as const
export type Mpi3mrBuffer = (typeof Mpi3mrBuffer)[keyof typeof Mpi3mrBuffer]

const TO_ADAPTER: readonly number[] = [
  Mpi3mrBuffer.RAID_MANAGEMENT_COMMAND,
  Mpi3mrBuffer.DATA_OUT,
  Mpi3mrBuffer.MPI_REQUEST,
]

/** A request to the driver. `controller` is the number of `mpi3mrctlN`. */
export interface Mpi3mrDriverRequest {
  readonly controller: number
  readonly opcode: Mpi3mrOpcode
  readonly dataInLength?: number
  readonly dataOut?: Uint8Array
}

/** A driver's command, with its payload as it stands. */
export function mpi3mrDriverCommand({
  controller,
  opcode,
  dataInLength = 0,
  dataOut,
}: Mpi3mrDriverRequest): TransportMessage<Uint8Array> {
  const request = new Uint8Array(PACKET)
  request[0] = DRIVER
  request[8] = checkUint('controller', controller, 0xff)
  request[9] = checkUint('opcode', opcode, 0xff)
  return {
    request,
    ...(dataOut === undefined ? {} : { dataOut }),
    dataInLength,
    parse: ({ data }) => data,
  }
}

/** A buffer of a firmware request: the bytes that go to the adapter, or how many come from it. */
export type Mpi3mrBufferInit =
  | { readonly type: Mpi3mrBuffer; readonly bytes: Uint8Array }
  | { readonly type: Mpi3mrBuffer; readonly length: number }

/** A request to the adapter's firmware. */
export interface Mpi3mrFirmwareRequest {
  readonly controller: number
  /** Seconds, which the driver takes from here and not from `timeoutMs`. Default: 60. */
  readonly timeoutSeconds?: number
  /** In the order in which the driver shall find them; one of them is the MPI_REQUEST. */
  readonly buffers: readonly Mpi3mrBufferInit[]
}

/**
 * An MPI request. Resolves with what came for the buffers from the adapter, in their order; the driver does not say how much of each came.
 *
 * @throws `ERR_SGRING_INVALID_ARGUMENT` for a buffer whose type goes the other way
 */
export function mpi3mrFirmwareRequest({
  controller,
  timeoutSeconds = 60,
  buffers,
}: Mpi3mrFirmwareRequest): TransportMessage<readonly Uint8Array[]> {
  const count = checkUint('buffers.length', buffers.length, 0xff, 1)
  const request = new Uint8Array(Math.max(PACKET, FIRST_BUFFER + BUFFER * count))
  const view = littleEndian(request)
  request[0] = FIRMWARE
  request[8] = checkUint('controller', controller, 0xff)
  view.setUint16(10, checkUint('timeoutSeconds', timeoutSeconds, 0xffff), true)
  request[16] = count
  const out: Uint8Array[] = []
  const lengths: number[] = []
  for (const [index, buffer] of buffers.entries()) {
    const at = FIRST_BUFFER + BUFFER * index
    request[at] = checkUint('type', buffer.type, 0xff)
    view.setUint32(at + 4, placed(buffer), true)
  }
  return {
    request,
    ...(out.length === 0 ? {} : { dataOut: new Uint8Array(Buffer.concat(out)) }),
    dataInLength: lengths.reduce((sum, length) => sum + length, 0),
    parse: ({ data }) => cut(data, lengths),
  }

  /** Puts a buffer among those that go its way; its length. */
  function placed(buffer: Mpi3mrBufferInit): number {
    const outward = TO_ADAPTER.includes(buffer.type)
    if (outward !== 'bytes' in buffer) {
      throw new SgringError(
        'ERR_SGRING_INVALID_ARGUMENT',
        `a buffer of type ${buffer.type} goes ${outward ? 'to the adapter: give its bytes' : 'from the adapter: give its length'}`,
      )
    }
    if ('bytes' in buffer) {
      out.push(buffer.bytes)
      return buffer.bytes.length
    }
    lengths.push(checkUint('length', buffer.length, 0xffff_ffff))
    return buffer.length
  }
}

function cut(data: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let end = 0
  return lengths.map((length) => {
    const at = end
    end += length
    return data.subarray(at, end)
  })
}

/** What the driver says of an adapter and itself (`struct mpi3mr_bsg_in_adpinfo`). */
export interface Mpi3mrAdapter {
  readonly type: number
  readonly pciDeviceId: number
  readonly pciRevision: number
  readonly pciSubsystemDeviceId: number
  readonly pciSubsystemVendorId: number
  readonly pciDevice: number
  readonly pciFunction: number
  readonly pciBus: number
  readonly pciSegment: number
  readonly interfaceVersion: number
  /** 1 operational, 2 fault, 3 in reset, 4 unrecoverable. */
  readonly state: number
  readonly driverName: string
  readonly driverVersion: string
}

const ADAPTER = 168

/** ADPINFO. */
export function mpi3mrAdapterInformation(controller: number): TransportMessage<Mpi3mrAdapter> {
  const opcode = Mpi3mrOpcode.ADAPTER_INFORMATION
  const message = mpi3mrDriverCommand({ controller, opcode, dataInLength: ADAPTER })
  return { ...message, parse: ({ data }) => parseMpi3mrAdapter(data) }
}

/** Reads `struct mpi3mr_bsg_in_adpinfo`. */
export function parseMpi3mrAdapter(data: Uint8Array): Mpi3mrAdapter {
  needBytes('adapter information', data, ADAPTER)
  const view = littleEndian(data)
  return {
    type: view.getUint32(0, true),
    pciDeviceId: view.getUint32(8, true),
    pciRevision: view.getUint32(12, true),
    pciSubsystemDeviceId: view.getUint32(16, true),
    pciSubsystemVendorId: view.getUint32(20, true),
    pciDevice: data[24]! & 0x1f,
    pciFunction: data[24]! >> 5,
    pciBus: data[25]!,
    pciSegment: view.getUint32(28, true),
    interfaceVersion: view.getUint32(32, true),
    state: data[36]!,
    driverName: getAscii(data, 92, 20),
    driverVersion: getAscii(data, 112, 32),
  }
}

/** A device of the driver's inventory (`struct mpi3mr_device_map_info`). */
export interface Mpi3mrTarget {
  readonly handle: number
  readonly persistentId: number
  readonly targetId: number
  readonly busId: number
}

const TARGETS_HEADER = 8
const TARGET = 12

/** ALLTGTDEVINFO, for at most `targets` devices. */
export function mpi3mrAllTargets(
  controller: number,
  targets: number,
): TransportMessage<readonly Mpi3mrTarget[]> {
  const dataInLength = TARGETS_HEADER + TARGET * checkUint('targets', targets, 0xffff)
  const opcode = Mpi3mrOpcode.ALL_TARGETS
  const message = mpi3mrDriverCommand({ controller, opcode, dataInLength })
  return { ...message, parse: ({ data }) => parseMpi3mrTargets(data) }
}

/** Reads `struct mpi3mr_all_tgt_info`: as many devices as came of those that there are. */
export function parseMpi3mrTargets(data: Uint8Array): Mpi3mrTarget[] {
  needBytes('all targets', data, TARGETS_HEADER)
  const view = littleEndian(data)
  const there = view.getUint16(0, true)
  const room = Math.floor((data.length - TARGETS_HEADER) / TARGET)
  if (there > 0 && room === 0) throw badResponse(`all targets: ${there} devices, and room for none`)
  return Array.from({ length: Math.min(there, room) }, (_, index) => {
    const at = TARGETS_HEADER + TARGET * index
    return {
      handle: view.getUint16(at, true),
      persistentId: view.getUint16(at + 2, true),
      targetId: view.getUint32(at + 4, true),
      busId: data[at + 8]!,
    }
  })
}
