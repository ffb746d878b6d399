/** The operation codes of tapes (SSC-4 clauses 5 to 7); those that every device has are with the others. */

export const Opcode = {
  REWIND: 0x01,
  FORMAT_MEDIUM: 0x04,
  READ_BLOCK_LIMITS: 0x05,
  READ_6: 0x08,
  WRITE_6: 0x0a,
  SET_CAPACITY: 0x0b,
  WRITE_FILEMARKS_6: 0x10,
  SPACE_6: 0x11,
  ERASE_6: 0x19,
  LOAD_UNLOAD: 0x1b,
  LOCATE_10: 0x2b,
  READ_POSITION: 0x34,
  REPORT_DENSITY_SUPPORT: 0x44,
  WRITE_FILEMARKS_16: 0x80,
  SPACE_16: 0x91,
  LOCATE_16: 0x92,
} as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]
