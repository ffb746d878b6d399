/**
 * Where this package and the tools that it is compared with do not say the same, each with what decides it. The suites take what they compare
 * otherwise from here, and `docs/differences.md` is made of it.
 */

/** What differs, and the clause that decides it. */
export type Difference = readonly [what: string, clause: string]

/** Names of additional sense codes: sg_decode_sense, sg3-utils 1.46. */
export const SENSE_CODES: readonly (readonly [from: number, to: number, clause: string])[] = [
  [0x0023, 0x0023, 'SPC-6 annex F: OVERLAPPING ATOMIC COMMAND IN PROGRESS, younger than the tool'],
  [0x2005, 0x2005, 'SPC-5 annex F: obsolete, and without a name; the tool has the old one'],
  [0x2402, 0x2403, 'SPC-5 annex F: obsolete, and without a name; the tool has the old ones'],
  [0x300b, 0x300b, 'SPC-5 annex F: not assigned; CLEANING VOLUME EXPIRED is 30h 13h'],
  [0x4001, 0x407f, 'SPC-5 annex F: 40h NNh is assigned for NN of 80h to FFh only'],
  [0x4101, 0x41ff, 'SPC-5 annex F: of 41h only 00h is assigned'],
  [0x4201, 0x42ff, 'SPC-5 annex F: of 42h only 00h is assigned'],
  [
    0x4d00,
    0x4dff,
    'SPC-5 annex F: the name says what the ASCQ is, (NN = TASK TAG); the tool leaves it out',
  ],
]

/** Generated sense data: what sg_decode_sense does otherwise; the comparison leaves it out, or writes it its way. */
export const SENSE_DATA: readonly Difference[] = [
  ['COMMAND-SPECIFIC INFORMATION of fixed format, which the tool does not print', 'SPC-5 4.4.3'],
  [
    'SENSE KEY SPECIFIC without SKSV in its descriptor, which the tool reads as if it were valid',
    'SPC-5 4.4.2',
  ],
  ['the other progress is a fraction of 65,536, which the tool prints as "25.020%"', 'SPC-5 4.4.2'],
  ['sense key Ch is reserved, which the tool calls by its name of SCSI-2, Equal', 'SPC-5 4.4'],
  [
    'descriptor type DEh is vendor specific; the tool takes it for its own, an NVMe status',
    'SPC-5 4.4.2',
  ],
]

/** INQUIRY data and pages: what sg_inq and sg_vpd (sg3-utils 1.46) print that this package does not have, or the other way round. */
export const INQUIRY: readonly Difference[] = [
  ['ACC, AERC, TrmTsk, BQue, MChngr, ACKREQQ, RelAdr, Linked, TranDis', 'SPC-5 6.7: obsolete'],
  ['Addr16, WBus16, Sync, Clocking, QAS, IUS', 'SPC-5 6.7: of the parallel interface, SPI-5, only'],
  ['VS', 'SPC-5 6.7: vendor specific'],
  ['hot_pluggable', 'SPC-6 6.7.2: not in SPC-5'],
  ['LU_COL_TYPE for 2, LU_COLL_TYPE for others', 'SPC-5 7.7: LU_COLL_TYPE'],
  ['NO_PI_CHK', 'SPC-5 7.7: bit 5; the tool reads bit 4, which is P_I_I_SUP'],
  ['CBCS', 'SPC-5 7.7: obsolete'],
  ['MACT', 'SBC-5 6.6: younger than the tool'],
  ['zone alignment method, zone starting LBA granularity', 'ZBC-2 clause 6: younger than the tool'],
  ['-1 for FFFFFFFFh', 'SBC-4 6.6: FFFFFFFFh is no limit of the unmap counts'],
  [
    'rotation rates of 0, 1, 2 to 400h and FFFFh in words',
    'SBC-4 6.6: not reported, none, reserved',
  ],
]

/** Log pages: what sg_logs shows otherwise than as a number, and names. */
export const LOG_PAGES: readonly Difference[] = [
  ['the scopes of page 0Ch of disks, in words', 'SBC-3 6.3.4: a number'],
  ['bytes of page 0Ch of tapes, in GB', 'SSC-4 8.2.2: bytes; compared as GB'],
  [
    'parameter 0100h of page 0Ch of tapes, a sentence where it is not 0',
    'SSC-4 8.2.2: any value but 0',
  ],
  ['names of pages 02h to 07h and 0Bh, shortened', 'SPC-4 7.3: written out'],
]

/** Mode pages: names of sg_modes. */
export const MODE_PAGES: readonly Difference[] = [
  ['page 00h, unit attention condition', 'SPC-4 7.5.1: vendor specific'],
  ['page 18h, protocol specific LU', 'SPC-4 7.5.14 writes it out'],
]

/**
 * Names of a disk's commands, by operation code and service action in hexadecimal: where sg_decode_sense says it otherwise, the standards'
 * names and modes are younger or longer than its own.
 */
export const COMMAND_NAMES: Readonly<Record<string, string>> = {
  '3B': 'write buffer combined header and data or multiple modes',
  '3C/00': 'read buffer 10 combined header and data or multiple modes',
  '3C/0A': 'read buffer 10 read data from echo buffer',
  '3C/0F': 'read buffer 10 service action 0xf',
  '4D/01': 'log sense',
  '7F/000F': 'atomic write 32',
  '83/01': 'extended copy',
  '84/05': 'receive copy status',
  '84/06': 'receive copy data',
  '95/08': 'zone activate',
  '95/09': 'zone query',
  '9B/0A': 'read buffer 16 read data from echo buffer',
  '9B/0F': 'read buffer 16 service action 0xf',
  '9D': 'service action bidirectional service action 0x0',
  A9: 'service action out 12 service action 0x0',
}

/** What a disk of this package does otherwise than its standards' letter. */
export const DISK: readonly Difference[] = [
  [
    'page 19h tells intervals of 0 s, and none: no clock is read on the way of a command',
    'SPC-5 7.3.6: idle time and time interval are mandatory',
  ],
  ['page 19h counts no command weights', 'SPC-5 7.3.6.2: 0 where there is no command priority'],
  [
    'page 19h counts READ(6) and WRITE(6) as well',
    'SPC-5 table 375 names READ(10) to (32) and WRITE(10) to (32)',
  ],
  [
    'pages 02h, 03h and 05h have the bytes and the uncorrected errors alone: a backing tells of no others',
    'SPC-5 7.3: all parameters of these pages are optional',
  ],
  [
    'CMDDT of INQUIRY and PPC of LOG SENSE are refused',
    'SPC-4 6.6, 6.8: obsolete, and so treated as reserved',
  ],
  [
    'IMMED of SYNCHRONIZE CACHE, START STOP UNIT and PRE-FETCH has no effect',
    'SBC-3 5: it allows an earlier answer',
  ],
  [
    'WRITE with less data-out than its blocks is refused, with nothing written',
    'SPC-5 annex F: 0Eh 03h, as RFC 7143 leaves it open',
  ],
]
