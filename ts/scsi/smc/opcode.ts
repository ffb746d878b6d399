/** The operation codes of media changers (SMC-3 clause 6). */

export const Opcode = {
  INITIALIZE_ELEMENT_STATUS: 0x07,
  POSITION_TO_ELEMENT: 0x2b,
  INITIALIZE_ELEMENT_STATUS_WITH_RANGE: 0x37,
  MOVE_MEDIUM: 0xa5,
  EXCHANGE_MEDIUM: 0xa6,
  READ_ELEMENT_STATUS: 0xb8,
} as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]
