/** Media changers (SMC-3). */

export { type PreventAllowOptions, preventAllowMediumRemoval } from '../medium-removal.ts'
export {
  type DeviceIdentifier,
  type Element,
  type ElementStatus,
  ElementType,
  type ParallelBus,
  type ReadElementStatusOptions,
  readElementStatus,
  type VolumeTag,
} from './element-status.ts'
export {
  type ExchangeMediumOptions,
  exchangeMedium,
  type InitializeRangeOptions,
  initializeElementStatus,
  initializeElementStatusWithRange,
  type MoveMediumOptions,
  moveMedium,
  type PositionToElementOptions,
  positionToElement,
} from './move.ts'
export { Opcode } from './opcode.ts'
