/**
 * The kernel's own filter of operation codes (`scsi_cmd_allowed`, drivers/scsi/scsi_ioctl.c), which asks the same of bsg and block nodes, and of sg nodes that are
 * not open for reading and writing. It looks at the first byte and nothing else: of 9Eh, A3h and A4h it knows no service action, so that some
 * commands that change a device pass for reading.
 */

/** What an operation code takes from a process without CAP_SYS_RAWIO. */
export type Privilege =
  /** Any descriptor will do. */
  | 'none'
  /** One that is open for writing. */
  | 'writing'
  /** None will do. */
  | 'rawio'

/** TEST UNIT READY to START STOP UNIT, READs, VERIFYs, what MMC reads and plays, SERVICE ACTION IN(16), MAINTENANCE IN, ZBC IN. */
const ANYBODY: ReadonlySet<number> = new Set([
  0x00, 0x03, 0x08, 0x12, 0x1a, 0x1b, 0x1c, 0x23, 0x25, 0x28, 0x2b, 0x2f, 0x37, 0x3c, 0x3e, 0x42,
  0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x4a, 0x4b, 0x4d, 0x4e, 0x51, 0x52, 0x5a, 0x5c, 0x88, 0x8f,
  0x95, 0x9e, 0xa0, 0xa3, 0xa4, 0xa8, 0xac, 0xad, 0xb9, 0xba, 0xbc, 0xbe,
])

/**
 * FORMAT UNIT to SYNCHRONIZE CACHE(10), WRITEs, MODE and LOG SELECT, what MMC writes and sets, ZBC OUT. WRITE SAME(32) and WRITE LONG(16) are listed by
 * their service actions, 0Dh and EAh, which admits operation codes of that number and not those commands.
 */
const WRITERS: ReadonlySet<number> = new Set([
  0x04, 0x0a, 0x0d, 0x15, 0x19, 0x1e, 0x2a, 0x2e, 0x35, 0x3f, 0x41, 0x4c, 0x53, 0x54, 0x55, 0x58,
  0x5b, 0x5d, 0x8a, 0x93, 0x94, 0xa1, 0xa2, 0xa6, 0xa7, 0xaa, 0xae, 0xb6, 0xbb, 0xbf, 0xea,
])

/** What the kernel asks of whoever sends this operation code through its filter. */
export function privilegeFor(opcode: number): Privilege {
  if (ANYBODY.has(opcode)) return 'none'
  return WRITERS.has(opcode) ? 'writing' : 'rawio'
}
