/**
 * Commands by kind of device (SPC-5 annex F, and the standard of each kind): names, and whether they read or change something.
 *
 * A line is an operation code, after a slash its service action or mode if it has one, and the name: `9E/10 READ CAPACITY(16)`.
 * `9E/* …` names what is none of the others.
 */

import { DeviceType } from './inquiry.ts'

/** A command of a table; `ata` is for whoever knows ATA. */
export interface Listed {
  readonly name: string
  readonly effect: 'reads' | 'changes' | 'ata'
}

/** The commands of one kind of device. */
export class CommandTable {
  readonly #listed: Map<string, Listed>
  /** Operation codes with service actions. */
  readonly #divided: Set<string>

  /** @param base the table that this one adds to; an operation code that stands here stands for itself alone */
  constructor(
    commands: Readonly<Partial<Record<Listed['effect'], string>>>,
    base: CommandTable | undefined = undefined,
  ) {
    const own = Object.entries(commands).flatMap(([effect, text]) =>
      lines(text).map(([key, name]) => [key, { name, effect } as Listed] as const),
    )
    const redefined = new Set(own.map(([key]) => opcodeOf(key)))
    const kept = [...(base?.listed ?? [])].filter(([key]) => !redefined.has(opcodeOf(key)))
    this.#listed = new Map([...kept, ...own])
    this.#divided = new Set(
      Array.from(this.#listed.keys(), (key) => (key.includes('/') ? opcodeOf(key) : '')),
    )
  }

  /** All of it, by operation code and service action as they are written. */
  get listed(): ReadonlyMap<string, Listed> {
    return this.#listed
  }

  /** Whether an operation code alone says what its commands do. */
  isUniform(opcode: number): boolean {
    const key = hex(opcode, 2)
    return !this.#divided.has(key) && this.#listed.get(key)?.effect !== 'ata'
  }

  /** @param cdb as long as its operation code asks */
  find(cdb: Uint8Array, length: number): Listed | undefined {
    const opcode = hex(cdb[0]!, 2)
    if (!this.#divided.has(opcode)) return this.#listed.get(opcode)
    const action = serviceAction(cdb, length)
    const found =
      action === undefined
        ? undefined
        : this.#listed.get(`${opcode}/${hex(action, cdb[0] === VARIABLE_LENGTH ? 4 : 2)}`)
    return found ?? this.#listed.get(`${opcode}/*`)
  }
}

const VARIABLE_LENGTH = 0x7f
const LOG_SENSE = 0x4d

/** The service action of a command that has one; of READ BUFFER its MODE, of LOG SENSE its bit SP. */
export function serviceAction(cdb: Uint8Array, length: number): number | undefined {
  const [opcode = 0, second = 0] = cdb
  if (opcode === VARIABLE_LENGTH) return length < 10 ? undefined : cdb[8]! * 0x100 + cdb[9]!
  return second & (opcode === LOG_SENSE ? 0x01 : 0x1f)
}

function opcodeOf(key: string): string {
  return key.slice(0, 2)
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}

function lines(text: string): (readonly [key: string, name: string])[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const)
}

/**
 * What every kind of device may have (SPC-5). READ BUFFER of the error history locks, renews and clears it, by its BUFFER ID, and so counts
 * as a change.
 */
const PRIMARY = new CommandTable({
  reads: `
    00 TEST UNIT READY
    03 REQUEST SENSE
    12 INQUIRY
    1A MODE SENSE(6)
    1C RECEIVE DIAGNOSTIC RESULTS
    3C/00 READ BUFFER(10), combined header and data
    3C/02 READ BUFFER(10), data
    3C/03 READ BUFFER(10), descriptor
    3C/0A READ BUFFER(10), data from echo buffer
    3C/0B READ BUFFER(10), echo buffer descriptor
    3C/0F READ BUFFER(10), microcode status
    4D/00 LOG SENSE
    5A MODE SENSE(10)
    5E/00 PERSISTENT RESERVE IN, READ KEYS
    5E/01 PERSISTENT RESERVE IN, READ RESERVATION
    5E/02 PERSISTENT RESERVE IN, REPORT CAPABILITIES
    5E/03 PERSISTENT RESERVE IN, READ FULL STATUS
    84/00 RECEIVE COPY STATUS(LID1)
    84/01 RECEIVE COPY DATA(LID1)
    84/03 RECEIVE COPY OPERATING PARAMETERS
    84/04 RECEIVE COPY FAILURE DETAILS(LID1)
    84/05 RECEIVE COPY STATUS(LID4)
    84/06 RECEIVE COPY DATA(LID4)
    84/07 RECEIVE ROD TOKEN INFORMATION
    84/08 REPORT ALL ROD TOKENS
    8C/00 READ ATTRIBUTE, attribute values
    8C/01 READ ATTRIBUTE, attribute list
    8C/02 READ ATTRIBUTE, logical volume list
    8C/03 READ ATTRIBUTE, partition list
    8C/05 READ ATTRIBUTE, supported attributes
    9B/02 READ BUFFER(16), data
    9B/03 READ BUFFER(16), descriptor
    9B/0A READ BUFFER(16), data from echo buffer
    9B/0B READ BUFFER(16), echo buffer descriptor
    9B/0F READ BUFFER(16), microcode status
    A0 REPORT LUNS
    A2 SECURITY PROTOCOL IN
    A3/05 REPORT IDENTIFYING INFORMATION
    A3/0A REPORT TARGET PORT GROUPS
    A3/0B REPORT ALIASES
    A3/0C REPORT SUPPORTED OPERATION CODES
    A3/0D REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS
    A3/0E REPORT PRIORITY
    A3/0F REPORT TIMESTAMP
    A3/10 MANAGEMENT PROTOCOL IN
    AB/01 READ MEDIA SERIAL NUMBER`,
  changes: `
    15 MODE SELECT(6)
    16 RESERVE(6)
    17 RELEASE(6)
    18 COPY
    1D SEND DIAGNOSTIC
    1E PREVENT ALLOW MEDIUM REMOVAL
    3B WRITE BUFFER(10)
    3C/1C READ BUFFER(10), error history
    3C/* READ BUFFER(10)
    40 CHANGE DEFINITION
    4C LOG SELECT
    4D/01 LOG SENSE with SP
    55 MODE SELECT(10)
    56 RESERVE(10)
    57 RELEASE(10)
    5E/* PERSISTENT RESERVE IN
    5F/00 PERSISTENT RESERVE OUT, REGISTER
    5F/01 PERSISTENT RESERVE OUT, RESERVE
    5F/02 PERSISTENT RESERVE OUT, RELEASE
    5F/03 PERSISTENT RESERVE OUT, CLEAR
    5F/04 PERSISTENT RESERVE OUT, PREEMPT
    5F/05 PERSISTENT RESERVE OUT, PREEMPT AND ABORT
    5F/06 PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY
    5F/07 PERSISTENT RESERVE OUT, REGISTER AND MOVE
    5F/08 PERSISTENT RESERVE OUT, REPLACE LOST RESERVATION
    5F/* PERSISTENT RESERVE OUT
    7F/* VARIABLE LENGTH
    83/00 EXTENDED COPY(LID1)
    83/01 EXTENDED COPY(LID4)
    83/10 POPULATE TOKEN
    83/11 WRITE USING TOKEN
    83/1C COPY OPERATION ABORT
    83/* THIRD-PARTY COPY OUT
    84/* THIRD-PARTY COPY IN
    86 ACCESS CONTROL IN
    87 ACCESS CONTROL OUT
    8C/* READ ATTRIBUTE
    8D WRITE ATTRIBUTE
    9B/1C READ BUFFER(16), error history
    9B/* READ BUFFER(16)
    9D SERVICE ACTION BIDIRECTIONAL
    9E/* SERVICE ACTION IN(16)
    9F/* SERVICE ACTION OUT(16)
    A3/* MAINTENANCE IN
    A4/06 SET IDENTIFYING INFORMATION
    A4/0A SET TARGET PORT GROUPS
    A4/0B CHANGE ALIASES
    A4/0E SET PRIORITY
    A4/0F SET TIMESTAMP
    A4/10 MANAGEMENT PROTOCOL OUT
    A4/* MAINTENANCE OUT
    A9 SERVICE ACTION OUT(12)
    AB/* SERVICE ACTION IN(12)
    B5 SECURITY PROTOCOL OUT`,
  ata: `
    7F/1FF0 ATA PASS-THROUGH(32)
    85 ATA PASS-THROUGH(16)
    A1 ATA PASS-THROUGH(12)`,
})

/** Disks, zoned ones too (SBC-5, ZBC-2), and what is like them. */
const DISK = new CommandTable(
  {
    reads: `
      08 READ(6)
      0B SEEK(6)
      25 READ CAPACITY(10)
      28 READ(10)
      2B SEEK(10)
      2F VERIFY(10)
      34 PRE-FETCH(10)
      37 READ DEFECT DATA(10)
      3E READ LONG(10)
      7F/0009 READ(32)
      7F/000A VERIFY(32)
      7F/0012 GET LBA STATUS(32)
      88 READ(16)
      8F VERIFY(16)
      90 PRE-FETCH(16)
      95/00 REPORT ZONES
      95/06 REPORT REALMS
      95/07 REPORT ZONE DOMAINS
      95/09 ZONE QUERY(16)
      9E/10 READ CAPACITY(16)
      9E/11 READ LONG(16)
      9E/12 GET LBA STATUS(16)
      9E/13 REPORT REFERRALS
      9E/16 GET STREAM STATUS
      9E/17 GET PHYSICAL ELEMENT STATUS
      A8 READ(12)
      AF VERIFY(12)
      B7 READ DEFECT DATA(12)`,
    changes: `
      01 REZERO UNIT
      04 FORMAT UNIT
      07 REASSIGN BLOCKS
      0A WRITE(6)
      1B START STOP UNIT
      2A WRITE(10)
      2C ERASE(10)
      2E WRITE AND VERIFY(10)
      35 SYNCHRONIZE CACHE(10)
      36 LOCK UNLOCK CACHE(10)
      3D UPDATE BLOCK
      3F WRITE LONG(10)
      41 WRITE SAME(10)
      42 UNMAP
      48/01 SANITIZE, OVERWRITE
      48/02 SANITIZE, BLOCK ERASE
      48/03 SANITIZE, CRYPTOGRAPHIC ERASE
      48/1F SANITIZE, EXIT FAILURE MODE
      48/* SANITIZE
      50 XDWRITE(10)
      51 XPWRITE(10)
      53 XDWRITEREAD(10)
      7F/0007 XDWRITEREAD(32)
      7F/000B WRITE(32)
      7F/000C WRITE AND VERIFY(32)
      7F/000D WRITE SAME(32)
      7F/000E ORWRITE(32)
      7F/000F WRITE ATOMIC(32)
      7F/0010 WRITE STREAM(32)
      7F/0011 WRITE SCATTERED(32)
      7F/* VARIABLE LENGTH
      89 COMPARE AND WRITE
      8A WRITE(16)
      8B ORWRITE(16)
      8E WRITE AND VERIFY(16)
      91 SYNCHRONIZE CACHE(16)
      92 LOCK UNLOCK CACHE(16)
      93 WRITE SAME(16)
      94/01 CLOSE ZONE
      94/02 FINISH ZONE
      94/03 OPEN ZONE
      94/04 RESET WRITE POINTER
      94/10 SEQUENTIALIZE ZONE
      94/* ZBC OUT
      95/08 ZONE ACTIVATE(16)
      95/* ZBC IN
      9A WRITE STREAM(16)
      9C WRITE ATOMIC(16)
      9E/14 STREAM CONTROL
      9E/15 BACKGROUND CONTROL
      9E/18 REMOVE ELEMENT AND TRUNCATE
      9E/19 RESTORE ELEMENTS AND REBUILD
      9E/1A REMOVE ELEMENT AND MODIFY ZONES
      9E/* SERVICE ACTION IN(16)
      9F/11 WRITE LONG(16)
      9F/12 WRITE SCATTERED(16)
      9F/* SERVICE ACTION OUT(16)
      AA WRITE(12)
      AC ERASE(12)
      AE WRITE AND VERIFY(12)`,
    ata: '7F/1FF0 ATA PASS-THROUGH(32)',
  },
  PRIMARY,
)

/** Tapes (SSC-5). Moving along the tape is reading. */
const TAPE = new CommandTable(
  {
    reads: `
      01 REWIND
      05 READ BLOCK LIMITS
      08 READ(6)
      0F READ REVERSE(6)
      11 SPACE(6)
      13 VERIFY(6)
      2B LOCATE(10)
      34 READ POSITION
      44 REPORT DENSITY SUPPORT
      81 READ REVERSE(16)
      88 READ(16)
      8F VERIFY(16)
      91 SPACE(16)
      92 LOCATE(16)
      B4 READ ELEMENT STATUS ATTACHED`,
    changes: `
      04 FORMAT MEDIUM
      0A WRITE(6)
      0B SET CAPACITY
      10 WRITE FILEMARKS(6)
      14 RECOVER BUFFERED DATA
      19 ERASE(6)
      1B LOAD UNLOAD
      80 WRITE FILEMARKS(16)
      82 ALLOW OVERWRITE
      8A WRITE(16)
      93 ERASE(16)
      A7 MOVE MEDIUM ATTACHED`,
  },
  PRIMARY,
)

/** Media changers (SMC-3). */
const CHANGER = new CommandTable(
  {
    reads: `
      44 REPORT VOLUME TYPES SUPPORTED
      B8 READ ELEMENT STATUS`,
    changes: `
      07 INITIALIZE ELEMENT STATUS
      1B OPEN/CLOSE IMPORT/EXPORT ELEMENT
      2B POSITION TO ELEMENT
      37 INITIALIZE ELEMENT STATUS WITH RANGE
      A5 MOVE MEDIUM
      A6 EXCHANGE MEDIUM
      B5 REQUEST VOLUME ELEMENT ADDRESS
      B6 SEND VOLUME TAG`,
  },
  PRIMARY,
)

/** Disc drives (MMC-6), where A1h, A3h and A4h have meanings of their own. */
const DISC = new CommandTable(
  {
    reads: `
      23 READ FORMAT CAPACITIES
      25 READ CAPACITY
      28 READ(10)
      2B SEEK(10)
      2F VERIFY(10)
      42 READ SUB-CHANNEL
      43 READ TOC/PMA/ATIP
      44 READ HEADER
      46 GET CONFIGURATION
      4A GET EVENT STATUS NOTIFICATION
      51 READ DISC INFORMATION
      52 READ TRACK INFORMATION
      5C READ BUFFER CAPACITY
      A4 REPORT KEY
      A8 READ(12)
      AC GET PERFORMANCE
      AD READ DISC STRUCTURE
      B9 READ CD MSF
      BD MECHANISM STATUS
      BE READ CD`,
    changes: `
      04 FORMAT UNIT
      1B START STOP UNIT
      2A WRITE(10)
      2E WRITE AND VERIFY(10)
      35 SYNCHRONIZE CACHE(10)
      45 PLAY AUDIO(10)
      47 PLAY AUDIO MSF
      48 PLAY AUDIO TRACK INDEX
      4B PAUSE/RESUME
      4E STOP PLAY/SCAN
      53 RESERVE TRACK
      54 SEND OPC INFORMATION
      58 REPAIR TRACK
      5B CLOSE TRACK/SESSION
      5D SEND CUE SHEET
      A1 BLANK
      A3 SEND KEY
      A5 PLAY AUDIO(12)
      A6 LOAD/UNLOAD MEDIUM
      A7 SET READ AHEAD
      AA WRITE(12)
      B6 SET STREAMING
      BA SCAN
      BB SET CD SPEED
      BF SEND DISC STRUCTURE`,
  },
  PRIMARY,
)

/** WRITE-ONCE, OPTICAL MEMORY and SIMPLIFIED DIRECT ACCESS are none of `DeviceType`, and have a disk's commands. */
const LIKE_DISKS: readonly number[] = [
  DeviceType.DIRECT_ACCESS_BLOCK,
  0x04,
  0x07,
  0x0e,
  DeviceType.HOST_MANAGED_ZONED,
]
const EVERY: readonly CommandTable[] = [PRIMARY, DISK, TAPE, CHANGER, DISC]

/** The tables that a command stands in: one, or every one where the kind of device is not known. */
export function tablesOf(deviceType: number | undefined): readonly CommandTable[] {
  if (deviceType === undefined) return EVERY
  if (LIKE_DISKS.includes(deviceType)) return [DISK]
  if (deviceType === DeviceType.SEQUENTIAL_ACCESS) return [TAPE]
  if (deviceType === DeviceType.MEDIA_CHANGER) return [CHANGER]
  if (deviceType === DeviceType.CD_DVD) return [DISC]
  return [PRIMARY]
}
