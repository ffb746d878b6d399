/** Disc drives (MMC-6). Their READ CAPACITY is a disk's: `readCapacity10()`. */

export { type PreventAllowOptions, preventAllowMediumRemoval } from '../medium-removal.ts'
export {
  ejectMedium,
  loadMedium,
  PowerCondition,
  type StartStopOptions,
  startStopUnit,
} from '../start-stop.ts'
export {
  type Configuration,
  type ConfigurationOptions,
  type FeatureDescriptor,
  getConfiguration,
  type ProfileDescriptor,
  RequestType,
} from './configuration.ts'
export {
  type DiscInformation,
  DiscStatus,
  readDiscInformation,
  SessionState,
} from './disc-information.ts'
export {
  type DiscEvent,
  EventClass,
  type EventStatus,
  getEventStatusNotification,
  MediaEvent,
} from './event.ts'
export { Feature, featureName, Profile, profileName } from './feature.ts'
export { Opcode } from './opcode.ts'
export {
  type DiscAddress,
  type DiscTime,
  type FullToc,
  LEAD_OUT,
  readFullToc,
  readSessionInformation,
  readToc,
  type SessionInformation,
  type Toc,
  type TocEntry,
  type TocOptions,
  type TocTrack,
} from './toc.ts'
