/**
 * The ATA Status Return descriptor (SAT-4 12.2.2): what the registers of an ATA device hold after an ATA PASS-THROUGH command.
 *
 *     0    09h                      6   LBA (31:24)    7   LBA (7:0)
 *     1    0Ch                      8   LBA (39:32)    9   LBA (15:8)
 *     2    EXTEND                   10  LBA (47:40)    11  LBA (23:16)
 *     3    ERROR                    12  DEVICE
 *     4,5  COUNT                    13  STATUS
 */

import { badResponse, checkUint, getUint16, setUint16 } from './bytes.ts'

/** The registers after the command. */
export interface AtaStatusReturn {
  /** The command was a 48-bit one: COUNT has 16 bits and LBA 48; else they have 8 and 24, and DEVICE has four more of the LBA. */
  readonly extend: boolean
  readonly error: number
  readonly count: number
  /** Below 2^48, or 2^24 unless `extend`. */
  readonly lba: number
  readonly device: number
  readonly status: number
}

/** Bytes of the descriptor after its type and length. */
export const ATA_STATUS_LENGTH = 12

/** Reads the 12 bytes after type and length; fewer are `ERR_SGRING_RESPONSE`. */
export function parseAtaStatusReturn(data: Uint8Array): AtaStatusReturn {
  if (data.length < ATA_STATUS_LENGTH) {
    throw badResponse(`ATA Status Return: ${data.length} bytes came, 12 are needed`)
  }
  const extend = (data[0]! & 1) !== 0
  const high = (data[8]! << 16) | (data[6]! << 8) | data[4]!
  const low = (data[9]! << 16) | (data[7]! << 8) | data[5]!
  return {
    extend,
    error: data[1]!,
    count: extend ? getUint16(data, 2) : data[3]!,
    lba: extend ? high * 2 ** 24 + low : low,
    device: data[10]!,
    status: data[11]!,
  }
}

/** The 12 bytes after type and length. */
export function encodeAtaStatusReturn(ata: AtaStatusReturn): Uint8Array {
  const data = new Uint8Array(ATA_STATUS_LENGTH)
  const lba = checkUint('lba', ata.lba, 2 ** (ata.extend ? 48 : 24) - 1)
  const high = Math.floor(lba / 2 ** 24)
  data[0] = ata.extend ? 1 : 0
  data[1] = checkUint('error', ata.error, 0xff)
  setUint16(data, 2, checkUint('count', ata.count, ata.extend ? 0xffff : 0xff))
  data[4] = high
  data[5] = lba % 256
  data[6] = high >> 8
  data[7] = Math.floor(lba / 2 ** 8) % 256
  data[8] = high >> 16
  data[9] = Math.floor(lba / 2 ** 16) % 256
  data[10] = checkUint('device', ata.device, 0xff)
  data[11] = checkUint('status', ata.status, 0xff)
  return data
}
