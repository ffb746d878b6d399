/** ATA devices behind a SCSI to ATA translation (SAT-4). */

export {
  type FeatureSet,
  type IdentifiedFeatures,
  type IdentifyDevice,
  type IdentifyOptions,
  identifyDevice,
  parseIdentifyDevice,
} from './identify.ts'
export {
  Opcode,
  type PassThrough32Options,
  type PassThroughOptions,
  type PassThroughResult,
  Protocol,
  passThrough12,
  passThrough16,
  passThrough32,
  TransferLength,
} from './pass-through.ts'
export {
  parseSmartData,
  parseSmartStatus,
  type SmartAttribute,
  type SmartData,
  smartReadData,
  smartReturnStatus,
} from './smart.ts'
export { parseStatusReturn, type StatusReturn } from './status-return.ts'
