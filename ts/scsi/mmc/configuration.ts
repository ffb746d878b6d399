/**
 * GET CONFIGURATION (MMC-6 6.5).
 *
 *     header                      feature descriptor
 *     0..3  DATA LENGTH (n-3)     0,1  FEATURE CODE
 *     6,7   CURRENT PROFILE       2    VERSION 5..2, PERSISTENT 1, CURRENT 0
 *     8..   feature descriptors   3    ADDITIONAL LENGTH
 *                                 4..  data
 */

import { badResponse, checkUint, getUint16, getUint32, needBytes, setUint16 } from '../bytes.ts'
import type { TypedCommand } from '../command.ts'
import { Feature, featureName, profileName } from './feature.ts'
import { ALLOCATION_LENGTH, Opcode } from './opcode.ts'

/** RT: which features are told, from `first` on. */
export const RequestType = { ALL: 0, CURRENT: 1, ONE: 2 } as const
export type RequestType = (typeof RequestType)[keyof typeof RequestType]

export interface ConfigurationOptions {
  /** Default: all. */
  readonly requestType?: RequestType
  /** The lowest feature code, or with `ONE` the only one. Default: 0. */
  readonly first?: number
  /** Room for the answer, 8 to 65,535 bytes; what does not fit is left out. Default: 4096. */
  readonly allocationLength?: number
}

/** What a drive can do, and what it can do now. */
export interface Configuration {
  /** See `Profile`. */
  readonly currentProfile: number
  /** Its name in `Profile`. */
  readonly currentProfileName: string | undefined
  /** In ascending order of their codes. */
  readonly features: readonly FeatureDescriptor[]
}

export interface FeatureDescriptor {
  /** See `Feature`. */
  readonly code: number
  /** Its name in `Feature`. */
  readonly name: string | undefined
  readonly version: number
  /** The feature is always current. */
  readonly persistent: boolean
  /** The feature is there with the disc that is in the drive. */
  readonly current: boolean
  readonly data: Uint8Array
  /** The profile list: every profile of the drive. */
  readonly profiles: readonly ProfileDescriptor[] | undefined
}

export interface ProfileDescriptor {
  /** See `Profile`. */
  readonly profile: number
  readonly name: string | undefined
  readonly current: boolean
}

const HEADER = 8
const DESCRIPTOR = 4

/** GET CONFIGURATION. */
export function getConfiguration(options: ConfigurationOptions = {}): TypedCommand<Configuration> {
  const { allocationLength = ALLOCATION_LENGTH } = options
  const dataInLength = checkUint('allocationLength', allocationLength, 0xffff, HEADER)
  const cdb = new Uint8Array(10)
  cdb[0] = Opcode.GET_CONFIGURATION
  cdb[1] = checkUint('requestType', options.requestType ?? RequestType.ALL, 3)
  setUint16(cdb, 2, checkUint('first', options.first ?? 0, 0xffff))
  setUint16(cdb, 7, dataInLength)
  return { cdb, dataInLength, parse: (data) => parseConfiguration(data, dataInLength) }
}

function parseConfiguration(data: Uint8Array, allocationLength: number): Configuration {
  needBytes('GET CONFIGURATION', data, HEADER)
  const length = 4 + getUint32(data, 0)
  if (length < HEADER) throw badResponse(`GET CONFIGURATION: a length of ${length} is too short`)
  const end = Math.min(length, allocationLength)
  needBytes('GET CONFIGURATION', data, end)
  const features: FeatureDescriptor[] = []
  for (let at = HEADER; at + DESCRIPTOR <= end; ) {
    const next = at + DESCRIPTOR + data[at + 3]!
    if (next > length) throw badResponse('GET CONFIGURATION: a feature ends behind the answer')
    if (next <= end) features.push(parseFeature(data.subarray(at, next)))
    at = next
  }
  const currentProfile = getUint16(data, 6)
  return { currentProfile, currentProfileName: profileName(currentProfile), features }
}

function parseFeature(one: Uint8Array): FeatureDescriptor {
  const code = getUint16(one, 0)
  return {
    code,
    name: featureName(code),
    version: (one[2]! >> 2) & 0xf,
    persistent: (one[2]! & 2) !== 0,
    current: (one[2]! & 1) !== 0,
    data: one.slice(DESCRIPTOR),
    profiles: code === Feature.PROFILE_LIST ? parseProfiles(one.subarray(DESCRIPTOR)) : undefined,
  }
}

function parseProfiles(list: Uint8Array): ProfileDescriptor[] {
  return Array.from({ length: Math.floor(list.length / 4) }, (_, at) => {
    const profile = getUint16(list, 4 * at)
    const current = (list[4 * at + 2]! & 1) !== 0
    return { profile, name: profileName(profile), current }
  })
}
