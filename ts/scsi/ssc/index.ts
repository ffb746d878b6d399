/** Tapes (SSC-4), and what the end of a read means. */

export { type PreventAllowOptions, preventAllowMediumRemoval } from '../medium-removal.ts'
export {
  type Density,
  type DensityOptions,
  type MediumType,
  reportDensitySupport,
  reportMediumTypes,
} from './density.ts'
export {
  type BlockLimits,
  encodeBlockLimits,
  readBlockLimits,
  readMaximumLogicalObject,
} from './limits.ts'
export {
  type EraseOptions,
  erase6,
  type FormatMediumOptions,
  formatMedium,
  MediumFormat,
  type SetCapacityOptions,
  setCapacity,
} from './medium.ts'
export { Opcode } from './opcode.ts'
export {
  type FilePosition,
  type Immediate,
  type LoadUnloadOptions,
  type Locate16Options,
  LocateDestination,
  type LocateOptions,
  loadUnload,
  locate10,
  locate16,
  type ObjectPosition,
  type Position,
  readPosition,
  readPositionExtended,
  readPositionLong,
  rewind,
} from './position.ts'
export {
  type FixedRead,
  parseTransferCdb,
  type ReadOptions,
  type ReadResponse,
  type ReadResult,
  read6,
  readResult,
  type TransferCdb,
  type VariableRead,
  type WriteOptions,
  type WriteResult,
  write6,
} from './read-write.ts'
export {
  parseSpaceCdb,
  type SpaceCdb,
  SpaceCode,
  type SpaceOptions,
  space6,
  space16,
  type WriteFilemarksAtOptions,
  type WriteFilemarksOptions,
  writeFilemarks6,
  writeFilemarks16,
} from './space.ts'
export { parseStreamEnd, SenseCode, type StreamEnd } from './stream-end.ts'
