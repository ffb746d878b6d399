/** The mode pages of tapes (SSC-4 8.3) and of media changers (SMC-3 7.3). */

import { flag, number } from './fields.ts'
import type { ModePageLayout } from './mode-page.ts'

/** Read-write error recovery of tapes (SSC-4 8.3.5). */
export interface StreamErrorRecovery {
  readonly tb: boolean
  readonly eer: boolean
  readonly per: boolean
  readonly dte: boolean
  readonly dcr: boolean
  readonly readRetryCount: number
  readonly writeRetryCount: number
}

export const STREAM_ERROR_RECOVERY: ModePageLayout<StreamErrorRecovery> = {
  page: 0x01,
  subpage: 0,
  lengthBytes: 12,
  name: 'read-write error recovery',
  fields: {
    tb: flag(2, 5, 'TB'),
    eer: flag(2, 3, 'EER'),
    per: flag(2, 2, 'PER'),
    dte: flag(2, 1, 'DTE'),
    dcr: flag(2, 0, 'DCR'),
    readRetryCount: number(3, 7, 8, 'READ RETRY COUNT'),
    writeRetryCount: number(8, 7, 8, 'WRITE RETRY COUNT'),
  },
}

/** Data compression (SSC-4 8.3.2). */
export interface DataCompression {
  /** What is written is compressed. */
  readonly dce: boolean
  /** The device can compress. */
  readonly dcc: boolean
  readonly dde: boolean
  readonly red: number
  readonly compressionAlgorithm: number
  readonly decompressionAlgorithm: number
}

export const DATA_COMPRESSION: ModePageLayout<DataCompression> = {
  page: 0x0f,
  subpage: 0,
  lengthBytes: 16,
  name: 'data compression',
  fields: {
    dce: flag(2, 7, 'DCE'),
    dcc: flag(2, 6, 'DCC'),
    dde: flag(3, 7, 'DDE'),
    red: number(3, 6, 2, 'RED'),
    compressionAlgorithm: number(4, 7, 32, 'COMPRESSION ALGORITHM'),
    decompressionAlgorithm: number(8, 7, 32, 'DECOMPRESSION ALGORITHM'),
  },
}

/** Device configuration (SSC-4 8.3.3). */
export interface DeviceConfiguration {
  readonly caf: boolean
  readonly activeFormat: number
  readonly activePartition: number
  readonly writeObjectBufferFullRatio: number
  readonly readObjectBufferEmptyRatio: number
  /** Units of 100 ms. */
  readonly writeDelayTime: number
  readonly obr: boolean
  readonly lois: boolean
  readonly rsmk: boolean
  readonly avc: boolean
  readonly socf: number
  readonly robo: boolean
  readonly rew: boolean
  readonly gapSize: number
  readonly eodDefined: number
  readonly eeg: boolean
  readonly sew: boolean
  readonly swp: boolean
  readonly baml: boolean
  readonly bam: boolean
  readonly objectBufferSizeAtEarlyWarning: number
  readonly selectDataCompressionAlgorithm: number
  readonly wtre: number
  readonly oir: boolean
  readonly rewindOnReset: number
  readonly asocwp: boolean
  readonly perswp: boolean
  readonly prmwp: boolean
}

export const DEVICE_CONFIGURATION: ModePageLayout<DeviceConfiguration> = {
  page: 0x10,
  subpage: 0,
  lengthBytes: 16,
  name: 'device configuration',
  fields: {
    caf: flag(2, 5, 'CAF'),
    activeFormat: number(2, 4, 5, 'ACTIVE FORMAT'),
    activePartition: number(3, 7, 8, 'ACTIVE PARTITION'),
    writeObjectBufferFullRatio: number(4, 7, 8, 'WRITE OBJECT BUFFER FULL RATIO'),
    readObjectBufferEmptyRatio: number(5, 7, 8, 'READ OBJECT BUFFER EMPTY RATIO'),
    writeDelayTime: number(6, 7, 16, 'WRITE DELAY TIME'),
    obr: flag(8, 7, 'OBR'),
    lois: flag(8, 6, 'LOIS'),
    rsmk: flag(8, 5, 'RSMK'),
    avc: flag(8, 4, 'AVC'),
    socf: number(8, 3, 2, 'SOCF'),
    robo: flag(8, 1, 'ROBO'),
    rew: flag(8, 0, 'REW'),
    gapSize: number(9, 7, 8, 'GAP SIZE'),
    eodDefined: number(10, 7, 3, 'EOD DEFINED'),
    eeg: flag(10, 4, 'EEG'),
    sew: flag(10, 3, 'SEW'),
    swp: flag(10, 2, 'SWP'),
    baml: flag(10, 1, 'BAML'),
    bam: flag(10, 0, 'BAM'),
    objectBufferSizeAtEarlyWarning: number(11, 7, 24, 'OBJECT BUFFER SIZE AT EARLY WARNING'),
    selectDataCompressionAlgorithm: number(14, 7, 8, 'SELECT DATA COMPRESSION ALGORITHM'),
    wtre: number(15, 7, 2, 'WTRE'),
    oir: flag(15, 5, 'OIR'),
    rewindOnReset: number(15, 4, 2, 'REWIND ON RESET'),
    asocwp: flag(15, 2, 'ASOCWP'),
    perswp: flag(15, 1, 'PERSWP'),
    prmwp: flag(15, 0, 'PRMWP'),
  },
}

/** Element address assignment (SMC-3 7.3.4): where each kind of element begins, and how many there are. */
export interface ElementAddressAssignment {
  readonly firstMediumTransport: number
  readonly mediumTransports: number
  readonly firstStorage: number
  readonly storages: number
  readonly firstImportExport: number
  readonly importExports: number
  readonly firstDataTransfer: number
  readonly dataTransfers: number
}

export const ELEMENT_ADDRESS_ASSIGNMENT: ModePageLayout<ElementAddressAssignment> = {
  page: 0x1d,
  subpage: 0,
  lengthBytes: 20,
  name: 'element address assignment',
  fields: {
    firstMediumTransport: number(2, 7, 16, 'FIRST MEDIUM TRANSPORT ELEMENT ADDRESS'),
    mediumTransports: number(4, 7, 16, 'NUMBER OF MEDIUM TRANSPORT ELEMENTS'),
    firstStorage: number(6, 7, 16, 'FIRST STORAGE ELEMENT ADDRESS'),
    storages: number(8, 7, 16, 'NUMBER OF STORAGE ELEMENTS'),
    firstImportExport: number(10, 7, 16, 'FIRST IMPORT/EXPORT ELEMENT ADDRESS'),
    importExports: number(12, 7, 16, 'NUMBER OF IMPORT/EXPORT ELEMENTS'),
    firstDataTransfer: number(14, 7, 16, 'FIRST DATA TRANSFER ELEMENT ADDRESS'),
    dataTransfers: number(16, 7, 16, 'NUMBER OF DATA TRANSFER ELEMENTS'),
  },
}
