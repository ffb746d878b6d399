/**
 * The vocabulary that the package exports: typed commands, and what they parse. What belongs to one kind of device has a namespace:
 * a tape's READ(6) is not a disk's, and the standards' names stay as they are.
 */

export * as ata from './ata/index.ts'
export type { AtaStatusReturn } from './ata-status.ts'
export {
  type BlockCommand,
  type BlockRange,
  parseBlockCdb,
  type ReadOptions,
  read6,
  read10,
  read12,
  read16,
  type SynchronizeCacheOptions,
  synchronizeCache10,
  synchronizeCache16,
  type WriteOptions,
  write6,
  write10,
  write12,
  write16,
} from './block.ts'
export {
  type DefectLists,
  type FormatOptions,
  formatUnit,
  type OverwriteOptions,
  readDefectData12,
  type SanitizeOptions,
  sanitizeBlockErase,
  sanitizeExitFailureMode,
  sanitizeOverwrite,
} from './block-medium.ts'
export {
  type BlockExtent,
  getLbaStatus,
  type LbaExtent,
  type LbaStatusOptions,
  type PreFetchOptions,
  ProvisioningStatus,
  preFetch10,
  preFetch16,
  unmap,
  type WriteSameOptions,
  writeSame10,
  writeSame16,
} from './block-provisioning.ts'
export {
  type CompareAndWriteOptions,
  compareAndWrite,
  orWrite16,
  type VerifyOptions,
  verify10,
  verify12,
  verify16,
  type WriteAndVerifyOptions,
  writeAndVerify10,
  writeAndVerify12,
  writeAndVerify16,
} from './block-verify.ts'
export { type Capacity10, type Capacity16, readCapacity10, readCapacity16 } from './capacity.ts'
export type { TypedCommand } from './command.ts'
export {
  type DiagnosticOptions,
  encodeDiagnosticPage,
  receiveDiagnosticPage,
  SelfTest,
  type SelfTestOptions,
  sendDiagnosticPage,
  sendSelfTest,
  supportedDiagnosticPages,
} from './diagnostic.ts'
export type { Field, Fields } from './fields.ts'
export {
  DeviceType,
  type Inquiry,
  type InquiryOptions,
  inquiry,
  PeripheralQualifier,
  testUnitReady,
} from './inquiry.ts'
export {
  type LogPage,
  LogPageCode,
  LogPageControl,
  type LogPageName,
  type LogParameter,
  type LogSelectOptions,
  type LogSenseOptions,
  logSelect,
  logSense,
  supportedLogPages,
  supportedLogSubpages,
} from './log.ts'
export {
  type ErrorCounters,
  NON_MEDIUM_ERRORS,
  type NonMediumErrors,
  READ_ERRORS,
  READ_REVERSE_ERRORS,
  VERIFY_ERRORS,
  WRITE_ERRORS,
} from './log-error.ts'
export { type LogField, type LogFields, type LogPageLayout, readLogPage } from './log-fields.ts'
export {
  INFORMATIONAL_EXCEPTIONS,
  type InformationalExceptions,
  PROVISIONING_STATISTICS,
  type ProvisioningStatistics,
  SOLID_STATE_MEDIA,
  type SolidStateMedia,
  START_STOP_CYCLES,
  STATISTICS,
  type StartStopCycles,
  type Statistics,
  TEMPERATURE,
  type Temperature,
} from './log-health.ts'
export { type AnyLogPageLayout, logPageLayout, logPageName } from './log-names.ts'
export {
  type BackgroundScan,
  type BackgroundScanFinding,
  readBackgroundScan,
  readSelfTestResults,
  type SelfTestResult,
} from './log-results.ts'
export { type PortLog, readPortLog, type SasPhy } from './log-sas.ts'
export {
  readTapeAlert,
  SEQUENTIAL_ACCESS,
  type SequentialAccess,
  TAPE_CAPACITY,
  type TapeCapacity,
  VOLUME_STATISTICS,
  type VolumeStatistics,
} from './log-tape.ts'
export { encodeLun, MAX_LUN, parseLun, WellKnownLun } from './lun.ts'
export { ExtendedMethod, encodeLunLevels, type LunLevel, parseLunLevels } from './lun-levels.ts'
export * as mmc from './mmc/index.ts'
export {
  ALL_PAGES,
  ALL_SUBPAGES,
  type ModeBlockDescriptor,
  type ModePage,
  ModePageControl,
  type ModeParameters,
  type ModeSelect10Options,
  type ModeSelectOptions,
  type ModeSense10Options,
  type ModeSenseOptions,
  modePage,
  modeSelect6,
  modeSelect10,
  modeSense6,
  modeSense10,
} from './mode.ts'
export {
  CACHING,
  type Caching,
  READ_WRITE_ERROR_RECOVERY,
  type ReadWriteErrorRecovery,
} from './mode-block.ts'
export {
  CONTROL,
  CONTROL_EXTENSION,
  type Control,
  type ControlExtension,
  DISCONNECT_RECONNECT,
  type DisconnectReconnect,
  INFORMATIONAL_EXCEPTIONS_CONTROL,
  type InformationalExceptionsControl,
  POWER_CONDITION,
  type PowerCondition,
} from './mode-common.ts'
export { type AnyModePageLayout, modePageLayout, modePageName } from './mode-names.ts'
export { changeModePage, encodeModePage, type ModePageLayout, readModePage } from './mode-page.ts'
export {
  DATA_COMPRESSION,
  type DataCompression,
  DEVICE_CONFIGURATION,
  type DeviceConfiguration,
  ELEMENT_ADDRESS_ASSIGNMENT,
  type ElementAddressAssignment,
  STREAM_ERROR_RECOVERY,
  type StreamErrorRecovery,
} from './mode-stream.ts'
export {
  type ReportedLuns,
  type ReportLunsOptions,
  reportLuns,
  SelectReport,
} from './report-luns.ts'
export { type RequestSenseOptions, requestSense } from './request-sense.ts'
export {
  encodeSense,
  parseSense,
  type Sense,
  type SenseDescriptor,
  type SenseDetail,
  type SenseInit,
  SenseKey,
  type SenseKeySpecific,
} from './sense.ts'
export { SenseCode, senseCodeName } from './sense-code.ts'
export {
  encodeSenseDescriptor,
  parseSenseDescriptor,
  SenseDescriptorType,
} from './sense-descriptor.ts'
export type {
  ReferralPortGroup,
  ReferralSegment,
  UserDataSegmentReferral,
} from './sense-referral.ts'
export * as ses from './ses/index.ts'
export * as smc from './smc/index.ts'
export * as ssc from './ssc/index.ts'
export {
  encodeSupportedFunctions,
  type FunctionTimeouts,
  type OfEachFunction,
  reportSupportedFunctions,
  type SupportedFunctions,
  type SupportedFunctionsOptions,
} from './supported-functions.ts'
export {
  type CommandSupport,
  type CommandTimeouts,
  type CommandTraits,
  encodeCommandSupport,
  encodeSupportedCommands,
  reportSupportedOpcode,
  reportSupportedOpcodes,
  Support,
  type SupportedCommand,
  type SupportedCommands,
  type SupportedOpcodeOptions,
  type SupportedOpcodesOptions,
} from './supported-opcodes.ts'
export {
  type ProtectionOptions,
  type Read32Options,
  read32,
  VariableAction,
  variableCdb,
  type Write32Options,
  write32,
} from './variable.ts'
export { versionDescriptorName } from './version-descriptor.ts'
export {
  Association,
  CodeSet,
  type Designator,
  DesignatorType,
  designatorText,
  type VpdOptions,
  VpdPage,
  vpdDeviceIdentification,
  vpdSupportedPages,
  vpdUnitSerialNumber,
} from './vpd.ts'
export {
  type BlockDeviceCharacteristics,
  type BlockLimits,
  vpdBlockDeviceCharacteristics,
  vpdBlockLimits,
} from './vpd-block.ts'
export { type ExtendedInquiry, vpdExtendedInquiry } from './vpd-extended.ts'
export { ModePagePolicy, type PagePolicy, vpdModePagePolicy } from './vpd-policy.ts'
export {
  type LogicalBlockProvisioning,
  ProvisioningType,
  vpdLogicalBlockProvisioning,
} from './vpd-provisioning.ts'
export {
  vpdZonedBlockDeviceCharacteristics,
  type ZonedBlockDeviceCharacteristics,
} from './vpd-zoned.ts'
