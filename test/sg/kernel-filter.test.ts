import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { privilegeFor } from '#dist/sg/kernel-filter.js'
import { suite } from '../harness/index.ts'

const test = suite("the kernel's filter of operation codes")

/** The labels of `scsi_cmd_allowed` (drivers/scsi/scsi_ioctl.c), with their values in scsi_proto.h and cdrom.h. */
const READ_SAFE: Readonly<Record<string, number>> = {
  TEST_UNIT_READY: 0x00,
  REQUEST_SENSE: 0x03,
  READ_6: 0x08,
  READ_10: 0x28,
  READ_12: 0xa8,
  READ_16: 0x88,
  READ_BUFFER: 0x3c,
  READ_DEFECT_DATA: 0x37,
  READ_CAPACITY: 0x25,
  READ_LONG: 0x3e,
  INQUIRY: 0x12,
  MODE_SENSE: 0x1a,
  MODE_SENSE_10: 0x5a,
  LOG_SENSE: 0x4d,
  START_STOP: 0x1b,
  GPCMD_VERIFY_10: 0x2f,
  VERIFY_16: 0x8f,
  REPORT_LUNS: 0xa0,
  SERVICE_ACTION_IN_16: 0x9e,
  RECEIVE_DIAGNOSTIC: 0x1c,
  MAINTENANCE_IN: 0xa3,
  GPCMD_READ_BUFFER_CAPACITY: 0x5c,
  GPCMD_PLAY_CD: 0xbc,
  GPCMD_PLAY_AUDIO_10: 0x45,
  GPCMD_PLAY_AUDIO_MSF: 0x47,
  GPCMD_PLAY_AUDIO_TI: 0x48,
  GPCMD_PAUSE_RESUME: 0x4b,
  GPCMD_READ_CD: 0xbe,
  GPCMD_READ_CD_MSF: 0xb9,
  GPCMD_READ_DISC_INFO: 0x51,
  GPCMD_READ_DVD_STRUCTURE: 0xad,
  GPCMD_READ_HEADER: 0x44,
  GPCMD_READ_TRACK_RZONE_INFO: 0x52,
  GPCMD_READ_SUBCHANNEL: 0x42,
  GPCMD_READ_TOC_PMA_ATIP: 0x43,
  GPCMD_REPORT_KEY: 0xa4,
  GPCMD_SCAN: 0xba,
  GPCMD_GET_CONFIGURATION: 0x46,
  GPCMD_READ_FORMAT_CAPACITIES: 0x23,
  GPCMD_GET_EVENT_STATUS_NOTIFICATION: 0x4a,
  GPCMD_GET_PERFORMANCE: 0xac,
  GPCMD_SEEK: 0x2b,
  GPCMD_STOP_PLAY_SCAN: 0x4e,
  ZBC_IN: 0x95,
}

const WRITE_SAFE: Readonly<Record<string, number>> = {
  WRITE_6: 0x0a,
  WRITE_10: 0x2a,
  WRITE_VERIFY: 0x2e,
  WRITE_12: 0xaa,
  WRITE_VERIFY_12: 0xae,
  WRITE_16: 0x8a,
  WRITE_LONG: 0x3f,
  WRITE_LONG_2: 0xea,
  WRITE_SAME: 0x41,
  WRITE_SAME_16: 0x93,
  WRITE_SAME_32: 0x0d,
  ERASE: 0x19,
  GPCMD_MODE_SELECT_10: 0x55,
  MODE_SELECT: 0x15,
  LOG_SELECT: 0x4c,
  GPCMD_BLANK: 0xa1,
  GPCMD_CLOSE_TRACK: 0x5b,
  GPCMD_FLUSH_CACHE: 0x35,
  GPCMD_FORMAT_UNIT: 0x04,
  GPCMD_REPAIR_RZONE_TRACK: 0x58,
  GPCMD_RESERVE_RZONE_TRACK: 0x53,
  GPCMD_SEND_DVD_STRUCTURE: 0xbf,
  GPCMD_SEND_EVENT: 0xa2,
  GPCMD_SEND_OPC: 0x54,
  GPCMD_SEND_CUE_SHEET: 0x5d,
  GPCMD_SET_SPEED: 0xbb,
  GPCMD_PREVENT_ALLOW_MEDIUM_REMOVAL: 0x1e,
  GPCMD_LOAD_UNLOAD: 0xa6,
  GPCMD_SET_STREAMING: 0xb6,
  GPCMD_SET_READ_AHEAD: 0xa7,
  ZBC_OUT: 0x94,
}

test('sorts each of the 256 operation codes as scsi_cmd_allowed does', () => {
  const readSafe = new Set(Object.values(READ_SAFE))
  const writeSafe = new Set(Object.values(WRITE_SAFE))
  for (let opcode = 0; opcode < 256; opcode++) {
    const expected = readSafe.has(opcode) ? 'none' : writeSafe.has(opcode) ? 'writing' : 'rawio'
    assert.equal(privilegeFor(opcode), expected, opcode.toString(16))
  }
})

const headers = ['/usr/include/linux/cdrom.h', '/usr/include/scsi/scsi.h'].map(textOf)
test(
  "has the values of the C library's headers",
  () => {
    const known = new Map(
      [...headers.join('\n').matchAll(/^#define\s+(\w+)\s+(0x[\da-f]{1,2})\s*$/gim)].map(
        ([, name, value]) => [name, Number(value)],
      ),
    )
    let compared = 0
    for (const [name, value] of Object.entries({ ...READ_SAFE, ...WRITE_SAFE })) {
      if (!known.has(name)) continue
      assert.equal(value, known.get(name), name)
      compared++
    }
    assert.ok(compared >= 60, `${compared} names are in the headers`)
  },
  {
    skip: headers.includes(undefined)
      ? 'needs linux/cdrom.h: apt-get install libc6-dev'
      : undefined,
  },
)

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

test.run()
