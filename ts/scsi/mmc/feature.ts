/** Features and profiles of disc drives by their names (MMC-6 5.2.3 and 5.3.1; what MMC-6 has dropped as MMC-5 had it). */

export const Feature = {
  PROFILE_LIST: 0x0000,
  CORE: 0x0001,
  MORPHING: 0x0002,
  REMOVABLE_MEDIUM: 0x0003,
  WRITE_PROTECT: 0x0004,
  RANDOM_READABLE: 0x0010,
  MULTI_READ: 0x001d,
  CD_READ: 0x001e,
  DVD_READ: 0x001f,
  RANDOM_WRITABLE: 0x0020,
  INCREMENTAL_STREAMING_WRITABLE: 0x0021,
  SECTOR_ERASABLE: 0x0022,
  FORMATTABLE: 0x0023,
  HARDWARE_DEFECT_MANAGEMENT: 0x0024,
  WRITE_ONCE: 0x0025,
  RESTRICTED_OVERWRITE: 0x0026,
  CD_RW_CAV_WRITE: 0x0027,
  MRW: 0x0028,
  ENHANCED_DEFECT_REPORTING: 0x0029,
  DVD_PLUS_RW: 0x002a,
  DVD_PLUS_R: 0x002b,
  RIGID_RESTRICTED_OVERWRITE: 0x002c,
  CD_TRACK_AT_ONCE: 0x002d,
  CD_MASTERING: 0x002e,
  DVD_R_RW_WRITE: 0x002f,
  DOUBLE_DENSITY_CD_READ: 0x0030,
  DOUBLE_DENSITY_CD_R_WRITE: 0x0031,
  DOUBLE_DENSITY_CD_RW_WRITE: 0x0032,
  LAYER_JUMP_RECORDING: 0x0033,
  LAYER_JUMP_RIGID_RESTRICTED_OVERWRITE: 0x0034,
  STOP_LONG_OPERATION: 0x0035,
  CD_RW_MEDIA_WRITE_SUPPORT: 0x0037,
  BD_R_POW: 0x0038,
  DVD_PLUS_RW_DUAL_LAYER: 0x003a,
  DVD_PLUS_R_DUAL_LAYER: 0x003b,
  BD_READ: 0x0040,
  BD_WRITE: 0x0041,
  TSR: 0x0042,
  HD_DVD_READ: 0x0050,
  HD_DVD_WRITE: 0x0051,
  HD_DVD_RW_FRAGMENT_RECORDING: 0x0052,
  HYBRID_DISC: 0x0080,
  POWER_MANAGEMENT: 0x0100,
  SMART: 0x0101,
  EMBEDDED_CHANGER: 0x0102,
  CD_AUDIO_EXTERNAL_PLAY: 0x0103,
  MICROCODE_UPGRADE: 0x0104,
  TIMEOUT: 0x0105,
  DVD_CSS: 0x0106,
  REAL_TIME_STREAMING: 0x0107,
  DRIVE_SERIAL_NUMBER: 0x0108,
  MEDIA_SERIAL_NUMBER: 0x0109,
  DISC_CONTROL_BLOCKS: 0x010a,
  DVD_CPRM: 0x010b,
  FIRMWARE_INFORMATION: 0x010c,
  AACS: 0x010d,
  DVD_CSS_MANAGED_RECORDING: 0x010e,
  VCPS: 0x0110,
  SECURDISC: 0x0113,
  BD_CPS: 0x0120,
  OSSC: 0x0142,
} as const
export type Feature = (typeof Feature)[keyof typeof Feature]

/** Profiles: what kind of drive it is, with the disc that is in it. */
export const Profile = {
  NO_CURRENT_PROFILE: 0x0000,
  NON_REMOVABLE_DISK: 0x0001,
  REMOVABLE_DISK: 0x0002,
  MO_ERASABLE: 0x0003,
  OPTICAL_WRITE_ONCE: 0x0004,
  AS_MO: 0x0005,
  CD_ROM: 0x0008,
  CD_R: 0x0009,
  CD_RW: 0x000a,
  DVD_ROM: 0x0010,
  DVD_R_SEQUENTIAL_RECORDING: 0x0011,
  DVD_RAM: 0x0012,
  DVD_RW_RESTRICTED_OVERWRITE: 0x0013,
  DVD_RW_SEQUENTIAL_RECORDING: 0x0014,
  DVD_R_DUAL_LAYER_SEQUENTIAL_RECORDING: 0x0015,
  DVD_R_DUAL_LAYER_JUMP_RECORDING: 0x0016,
  DVD_RW_DUAL_LAYER: 0x0017,
  DVD_DOWNLOAD_DISC_RECORDING: 0x0018,
  DVD_PLUS_RW: 0x001a,
  DVD_PLUS_R: 0x001b,
  DDCD_ROM: 0x0020,
  DDCD_R: 0x0021,
  DDCD_RW: 0x0022,
  DVD_PLUS_RW_DUAL_LAYER: 0x002a,
  DVD_PLUS_R_DUAL_LAYER: 0x002b,
  BD_ROM: 0x0040,
  BD_R_SRM: 0x0041,
  BD_R_RRM: 0x0042,
  BD_RE: 0x0043,
  HD_DVD_ROM: 0x0050,
  HD_DVD_R: 0x0051,
  HD_DVD_RAM: 0x0052,
  HD_DVD_RW: 0x0053,
  HD_DVD_R_DUAL_LAYER: 0x0058,
  HD_DVD_RW_DUAL_LAYER: 0x005a,
  NON_CONFORMING: 0xffff,
} as const
export type Profile = (typeof Profile)[keyof typeof Profile]

const FEATURES = named(Feature)
const PROFILES = named(Profile)

/** The name of a feature, as `Feature` has it; `undefined` for one that is not there. */
export function featureName(code: number): string | undefined {
  return FEATURES.get(code)
}

/** The name of a profile, as `Profile` has it; `undefined` for one that is not there. */
export function profileName(code: number): string | undefined {
  return PROFILES.get(code)
}

function named(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name]))
}
