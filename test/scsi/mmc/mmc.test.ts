import assert from 'node:assert/strict'
import {
  EventClass,
  ejectMedium,
  Feature,
  getConfiguration,
  getEventStatusNotification,
  LEAD_OUT,
  loadMedium,
  PowerCondition,
  Profile,
  RequestType,
  readDiscInformation,
  readFullToc,
  readSessionInformation,
  readToc,
  startStopUnit,
} from '#dist/scsi/mmc/index.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../any-bytes.ts'
import { bytes, hex } from '../hex.ts'

const test = suite('disc drives')

const refused = { code: 'ERR_SGRING_RESPONSE' }

/** An audio disc of two tracks, with its lead-out. */
const TOC = bytes('001a 01 02 00 10 01 00 00000000 00 14 02 00 00004d2e 00 14 aa 00 0002a300')
/** The same in minutes, seconds and frames. */
const TIMES = bytes('001a 01 02 00 10 01 00 00000200 00 14 02 00 0004 210d 00 14 aa 00 00 26 1f 0a')
/** The last session of two. */
const SESSIONS = bytes('000a 01 02 00 14 0f 00 000317c8')
/** The three first entries of a lead-in. */
const FULL = bytes(`0023 01 01
  01 14 00 a0 000000 00 01 00 00
  01 14 00 a1 000000 00 01 00 00
  01 14 00 a2 61 1a 41 00 4a 0c 22`)
/** A drive with a DVD in it, as QEMU's has: profile list, core, removable medium. */
const CONFIGURATION = bytes(`00000024 0000 0010
  0000 03 08 0010 01 00 0008 00 00
  0001 0b 08 00000002 01 000000
  0003 07 04 29 000000`)
/** A blank CD-R, as a recorder tells it. */
const DISC = bytes(
  `0020 00 01 01 01 01 20 00 00 00 00 00000000 00611b00 004f3b47 0000000000000000 00 00`,
)

test('has each field where the standard has it (mmc-6 clause 6)', () => {
  const expected: readonly (readonly [{ cdb: Uint8Array }, string])[] = [
    [readToc(), '43000000000000100000'],
    [readToc({ time: true, first: LEAD_OUT, allocationLength: 0x123 }), '430200000000aa012300'],
    [readSessionInformation(), '43000100000000100000'],
    [readFullToc({ first: 1 }), '43020200000001100000'],
    [getConfiguration(), '46000000000000100000'],
    [
      getConfiguration({ requestType: RequestType.ONE, first: Feature.CD_READ }),
      '4602001e000000100000',
    ],
    [getEventStatusNotification(), '4a010000100000000800'],
    [
      getEventStatusNotification([EventClass.OPERATIONAL_CHANGE, EventClass.DEVICE_BUSY]),
      '4a010000420000000800',
    ],
    [readDiscInformation(), '51000000000000002200'],
    [ejectMedium(), '1b0000000200'],
    [loadMedium(), '1b0000000300'],
    [
      startStopUnit({
        powerCondition: PowerCondition.FORCE_STANDBY_0,
        modifier: 1,
        noFlush: true,
        immed: true,
      }),
      '1b010001b400',
    ],
  ]
  for (const [command, cdb] of expected) assert.equal(hex(command.cdb), cdb)
})

test('reads where tracks start, in blocks or in time (mmc-6 6.25.2.2)', () => {
  assert.deepEqual(readToc().parse(TOC), {
    firstTrack: 1,
    lastTrack: 2,
    tracks: [
      { track: 1, adr: 1, control: 0, start: 0 },
      { track: 2, adr: 1, control: 4, start: 19_758 },
      { track: LEAD_OUT, adr: 1, control: 4, start: 172_800 },
    ],
  })
  const { tracks } = readToc({ time: true }).parse(TIMES)
  assert.deepEqual(
    tracks.map(({ start }) => start),
    [
      { minutes: 0, seconds: 2, frames: 0 },
      { minutes: 4, seconds: 33, frames: 13 },
      { minutes: 38, seconds: 31, frames: 10 },
    ],
  )
})

test('reads sessions, and every entry of a lead-in (mmc-6 6.25.2.3, 6.25.2.4)', () => {
  assert.deepEqual(readSessionInformation().parse(SESSIONS), {
    firstSession: 1,
    lastSession: 2,
    track: { track: 15, adr: 1, control: 4, start: 202_696 },
  })
  assert.equal(readSessionInformation().parse(SESSIONS.slice(0, 12).fill(2, 1, 2)).track, undefined)
  const { entries } = readFullToc().parse(FULL)
  assert.deepEqual(
    entries.map(({ point }) => point),
    [0xa0, 0xa1, 0xa2],
  )
  assert.deepEqual(entries[2], {
    session: 1,
    adr: 1,
    control: 4,
    tno: 0,
    point: 0xa2,
    at: { minutes: 97, seconds: 26, frames: 65 },
    pointsTo: { minutes: 74, seconds: 12, frames: 34 },
  })
})

test('leaves out descriptors that the allocation length has cut', () => {
  const { tracks } = readToc({ allocationLength: 19 }).parse(TOC.subarray(0, 19))
  assert.deepEqual(
    tracks.map(({ track }) => track),
    [1],
  )
  assert.throws(() => readToc().parse(TOC.subarray(0, 19)), refused)
  const { features } = getConfiguration({ allocationLength: 30 }).parse(
    CONFIGURATION.subarray(0, 30),
  )
  assert.deepEqual(
    features.map(({ code }) => code),
    [0],
  )
})

test('reads features and profiles, with their names (mmc-6 6.5)', () => {
  const { currentProfileName, features } = getConfiguration().parse(CONFIGURATION)
  assert.equal(currentProfileName, 'DVD_ROM')
  assert.deepEqual(
    features.map(({ name, version, persistent, current }) => [name, version, persistent, current]),
    [
      ['PROFILE_LIST', 0, true, true],
      ['CORE', 2, true, true],
      ['REMOVABLE_MEDIUM', 1, true, true],
    ],
  )
  assert.deepEqual(features[0]?.profiles, [
    { profile: Profile.DVD_ROM, name: 'DVD_ROM', current: true },
    { profile: Profile.CD_ROM, name: 'CD_ROM', current: false },
  ])
  assert.deepEqual([...features[2]!.data], [0x29, 0, 0, 0])
  const wrong = CONFIGURATION.slice()
  wrong[35] = 5
  assert.throws(() => getConfiguration().parse(wrong), refused)
})

test('reads a media event, whether its length counts the header or not (mmc-6 6.6)', () => {
  const { parse } = getEventStatusNotification()
  for (const length of ['0006', '0004']) {
    assert.deepEqual(parse(bytes(`${length} 04 5e 02 02 0000`)), {
      supported: [1, 2, 3, 4, 6],
      event: {
        class: EventClass.MEDIA,
        code: 2,
        parameters: Uint8Array.of(2, 0, 0),
        media: { present: true, trayOpen: false },
      },
    })
  }
  assert.deepEqual(parse(bytes('0002 80 10')), { supported: [4], event: undefined })
  assert.throws(() => parse(bytes('0006 04 10 00')), refused)
})

test('reads what a disc is, also from drives that say less (mmc-6 6.22)', () => {
  const { parse } = readDiscInformation()
  const blank = {
    erasable: false,
    lastSession: 0,
    status: 0,
    firstTrack: 1,
    sessions: 1,
    firstTrackInLastSession: 1,
    lastTrackInLastSession: 1,
    unrestrictedUse: true,
    backgroundFormat: 0,
    discType: 0,
    discIdentification: undefined,
    lastSessionLeadInStart: 0x611b00,
    lastPossibleLeadOutStart: 0x4f3b47,
    barCode: undefined,
    applicationCode: undefined,
  }
  assert.deepEqual(parse(DISC), blank)
  const old = DISC.slice(0, 24)
  old[1] = 22
  assert.deepEqual(parse(old), blank)
  const full = DISC.slice()
  full.set([0x1e, 1, 0x02, 3, 4, 0xf3, 0xff, 1, 2, 3, 0xaa, 0xbb, 0xcc, 0xdd], 2)
  full[32] = 0x77
  const read = parse(full)
  assert.deepEqual(
    [read.erasable, read.lastSession, read.status, read.backgroundFormat],
    [true, 3, 2, 3],
  )
  assert.deepEqual(
    [read.sessions, read.firstTrackInLastSession, read.lastTrackInLastSession],
    [0x102, 0x203, 0x304],
  )
  assert.deepEqual(
    [read.discIdentification, read.barCode, read.applicationCode],
    [0xaabbccdd, 0n, 0x77],
  )
})

test('gives a result or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  survivesAnyBytes('TOC', TOC, readToc().parse)
  survivesAnyBytes('times', TIMES, readToc({ time: true }).parse)
  survivesAnyBytes('sessions', SESSIONS, readSessionInformation().parse)
  survivesAnyBytes('full TOC', FULL, readFullToc().parse)
  survivesAnyBytes('configuration', CONFIGURATION, getConfiguration().parse)
  survivesAnyBytes('event', bytes('0006 04 5e 02 02 0000'), getEventStatusNotification().parse)
  survivesAnyBytes('disc information', DISC, readDiscInformation().parse)
})

test.run()
