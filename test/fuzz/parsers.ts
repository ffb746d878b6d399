/** Every parser of bytes that come from a device, from the kernel or from a user, and what it may say of any. */

import { parseConfig, parseJson } from '#dist/cli/config/config.js'
import { parseScope } from '#dist/cli/device-reset.js'
import { CliError, ConfigError } from '#dist/cli/exit-code.js'
import { parseHex } from '#dist/cli/hex.js'
import { parsePage, parseVitalPage } from '#dist/cli/page.js'
import { parseCount, parseSeconds, parseSize } from '#dist/cli/quantity.js'
import { parseLun } from '#dist/cli/unit-flags.js'
import { parseAddress } from '#dist/ring/address.js'
import { parseLedger } from '#dist/ring/ledgers.js'
import * as ata from '#dist/scsi/ata/index.js'
import { parseRegisters } from '#dist/scsi/ata/pass-through.js'
import { parseAtaStatusReturn } from '#dist/scsi/ata-status.js'
import * as scsi from '#dist/scsi/index.js'
import { parseInquiry } from '#dist/scsi/inquiry.js'
import { encodeLogPage } from '#dist/scsi/log.js'
import * as mmc from '#dist/scsi/mmc/index.js'
import { parseModeParameters } from '#dist/scsi/mode.js'
import * as smc from '#dist/scsi/smc/index.js'
import * as ssc from '#dist/scsi/ssc/index.js'
import { parseEarlyWarning } from '#dist/scsi/ssc/read-write.js'
import { parseCapabilities } from '#dist/sg/capabilities.js'
import { parseMountinfo, parseSwaps } from '#dist/sg/device-uses.js'
import { parseConditions } from '#dist/target/kept-condition.js'
import { COUNTERS_PAGE, encodeCounters, targetCounters } from '#dist/task/counters.js'
import { nodes } from './nodes.ts'
import { pages } from './pages.ts'
import { bytes, command, EMPTY, isOf, of, type Parser } from './parser.ts'

const text = (data: Uint8Array): string => Buffer.from(data).toString('utf8')
const syntax = (error: unknown) => error instanceof CliError
const never = () => false

function words(
  name: string,
  read: (words: string) => unknown,
  refuses: (error: unknown) => boolean,
  ...seeds: string[]
): Parser {
  const encoded = seeds.map((seed) => Uint8Array.from(Buffer.from(seed)))
  return { name, read: (data) => read(text(data)), refuses, fromDevice: false, seeds: encoded }
}

const FIXED_SENSE = bytes('70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 c0 00 02')
const DESCRIPTOR_SENSE = bytes(
  '72 05 24 00 00 00 00 14 00 0a 80 00 0000000000001000 02 06 00 00 c0 00 02 00',
)
const ATA_SENSE = bytes('72 01 00 1d 00 00 00 0e 09 0c 00 00 00 01 00 4f 00 c2 00 00 a0 50')
const SMART_SENSE = bytes('72 01 00 1d 00 00 00 0e 09 0c 00 00 00 01 00 00 00 4f 00 c2 a0 50')
const MOUNTINFO =
  '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n'
const CONFIG = JSON.stringify({
  listen: 'disk',
  mode: '0660',
  allowed_uids: [0],
  units: [{ memory: '1M' }, { file: 'disk.img', lun: 3, create_bytes: 4096 }],
})

const COUNTERS = encodeLogPage(
  COUNTERS_PAGE,
  encodeCounters({
    ...{ nexuses: 1, pairs: 2, tasks: 3, commands: 4, fetches: 5, wakes: 6, aborted: 7 },
    ...{ lateAnswers: 8, refused: 9, ended: 10, arenaBytes: 11, residentBytes: 12 },
    recent: ['a nexus of user 1000'],
  }),
)
/** Its words turn a terminal's colours, where they are not made fit for one. */
const HOSTILE_COUNTERS = COUNTERS.map((byte) => (byte === 0x61 ? 0x1b : byte))
const LEDGER = Buffer.concat([Buffer.from('SGRINGLE'), Buffer.alloc(56)])
const LEDGER_NAME = `${'5a'.repeat(16)}-7`

/** All of them. */
export const parsers: readonly Parser[] = [
  of('sense data', scsi.parseSense, FIXED_SENSE, DESCRIPTOR_SENSE, ATA_SENSE),
  of('registers in sense data', registers, ATA_SENSE),
  of('details of sense data', details, DESCRIPTOR_SENSE, ATA_SENSE),
  of('an ATA status return descriptor', parseAtaStatusReturn, ATA_SENSE.subarray(10)),
  of('an answer to SMART RETURN STATUS', smartStatus, SMART_SENSE),
  of('sense data after a READ of a tape', tapeRead, FIXED_SENSE),
  of(
    'ends of a tape in sense data',
    ends,
    bytes('f0 00 80 00 00 00 05 0a 00 00 00 00 00 01 00 00 00 00'),
  ),
  of('INQUIRY', parseInquiry, bytes(`00 00 06 02 1f 00 00 02 ${'41'.repeat(28)}`)),
  command('counters of a target', targetCounters(), COUNTERS, HOSTILE_COUNTERS),
  command('READ CAPACITY (10)', scsi.readCapacity10()),
  command('READ CAPACITY (16)', scsi.readCapacity16()),
  command(
    'REPORT LUNS',
    scsi.reportLuns(),
    bytes('00000010 00000000 0000000000000000 0001000000000000'),
  ),
  of('a LUN', scsi.parseLun, bytes('4001000000000000')),
  of('levels of a LUN', scsi.parseLunLevels, bytes('0102400100000000'), bytes('d200000100000000')),
  command('GET LBA STATUS', scsi.getLbaStatus({ lba: 0 })),
  command('lengths of defect lists', scsi.readDefectData12(), bytes('00 18 00 00 00000008')),
  command('supported VPD pages', scsi.vpdSupportedPages(), bytes('00 00 00 03 00 80 83')),
  command('unit serial number', scsi.vpdUnitSerialNumber(), bytes('00 80 00 04 41 42 43 44')),
  command(
    'device identification',
    scsi.vpdDeviceIdentification(),
    bytes('00 83 00 18 01 03 00 08 5000000000000001 02 01 00 08 4142434445464748'),
  ),
  command('block limits', scsi.vpdBlockLimits(), bytes(`00 b0 00 3c ${'00'.repeat(60)}`)),
  command('block device characteristics', scsi.vpdBlockDeviceCharacteristics()),
  command('extended INQUIRY data', scsi.vpdExtendedInquiry()),
  command(
    'mode page policy',
    scsi.vpdModePagePolicy(),
    bytes('00 87 00 08 3f ff 00 00 08 00 83 00'),
  ),
  command('logical block provisioning', scsi.vpdLogicalBlockProvisioning()),
  command('zoned block device characteristics', scsi.vpdZonedBlockDeviceCharacteristics()),
  of(
    'mode parameters (6)',
    (data) => parseModeParameters(data, 6),
    bytes('1f 00 10 08 00000000 00000200 08 12 04 00 ffff 0000 ffff ffff 00 00 00 00 0000 0000'),
  ),
  of('mode parameters (10)', (data) => parseModeParameters(data, 10)),
  command(
    'a log page',
    scsi.logSense({ page: 2 }),
    bytes('02 00 00 0c 0000 03 08 0000000000000001'),
  ),
  command('log pages', scsi.supportedLogPages(), bytes('00 00 00 02 00 02')),
  command('log subpages', scsi.supportedLogSubpages(), bytes('40 ff 00 04 00 00 02 00')),
  command('all commands', scsi.reportSupportedOpcodes(), bytes('00000008 12 00 0000 00 00 0006')),
  command(
    'one command',
    scsi.reportSupportedOpcode({ opcode: 0x12 }),
    bytes('00 03 00 06 12 01 ff ff ff 00'),
  ),
  command('task management functions', scsi.reportSupportedFunctions()),
  command('diagnostic pages', scsi.supportedDiagnosticPages(), bytes('00 00 00 02 00 01')),
  command('elements of a changer', smc.readElementStatus()),
  command('features of a disc drive', mmc.getConfiguration()),
  command('a disc', mmc.readDiscInformation()),
  command('an event of a disc drive', mmc.getEventStatusNotification()),
  command(
    'a table of contents',
    mmc.readToc(),
    bytes('00 12 01 01 00 14 01 00 00000000 00 14 aa 00 00001000'),
  ),
  command('sessions', mmc.readSessionInformation()),
  command('a full table of contents', mmc.readFullToc()),
  command('densities', ssc.reportDensitySupport()),
  command('media', ssc.reportMediumTypes()),
  command('block limits of a tape', ssc.readBlockLimits()),
  command('the last object of a tape', ssc.readMaximumLogicalObject()),
  command('a block of a tape', ssc.read6({ length: 64 })),
  command('a position', ssc.readPosition()),
  command('a long position', ssc.readPositionLong()),
  command('an extended position', ssc.readPositionExtended()),
  command(
    'what came through to ATA',
    ata.passThrough16({ protocol: ata.Protocol.NON_DATA, command: 0 }),
  ),
  of('IDENTIFY DEVICE', ata.parseIdentifyDevice),
  of('SMART data', ata.parseSmartData),
  {
    name: 'a block CDB',
    read: scsi.parseBlockCdb,
    refuses: never,
    fromDevice: true,
    seeds: [bytes('28 00 00000008 00 0001 00'), ...EMPTY],
  },
  {
    name: 'the CDB of a transfer of a tape',
    read: ssc.parseTransferCdb,
    refuses: never,
    fromDevice: true,
    seeds: [bytes('08 01 000001 00'), ...EMPTY],
  },
  {
    name: 'a SPACE CDB',
    read: ssc.parseSpaceCdb,
    refuses: never,
    fromDevice: true,
    seeds: [bytes('11 01 000001 00'), bytes(`91 01 00 00 ${'00'.repeat(12)}`), ...EMPTY],
  },
  ...pages,
  ...nodes,
  words('the name of a ledger', (name) => parseLedger(name, LEDGER), never, LEDGER_NAME),
  {
    name: 'the header of a ledger',
    read: (data) => parseLedger(LEDGER_NAME, data),
    refuses: never,
    fromDevice: false,
    seeds: [LEDGER, ...EMPTY],
  },
  words(
    'kept conditions',
    (given) => parseConditions('it', given),
    kept,
    '{ "/srv/disk.img": "sanitizing", "/dev/sda": "formatting" }',
    '["sanitizing"]',
  ),
  words('hex', (given) => parseHex('it', given), syntax, '12 00 00', '0x12,0,0', '120000'),
  words('a page', parsePage, syntax, '0x0a,1', '08h'),
  words('a VPD page', parseVitalPage, syntax, '0x83', 'b0h'),
  words('a size', (given) => parseSize('it', given), syntax, '4096', '1M', '0x10k'),
  words('a count', (given) => parseCount('it', given), syntax, '4096', '18446744073709551615'),
  words('seconds', (given) => parseSeconds('it', given), syntax, '1.5', '60'),
  words('an address', parseAddress, address, 'ring:disk/3', 'ring:/run/disk.sock?lun=256'),
  words('a configuration', (given) => parseConfig(given, 'it', '/'), configured, CONFIG),
  words('JSON', (given) => parseJson(given, 'it'), configured, CONFIG, '{"listen": }'),
  words('a number of a LUN', (given) => parseLun('it', given), syntax, '0', '16383'),
  words('a scope', parseScope, syntax, 'device'),
  words('mountinfo', parseMountinfo, never, MOUNTINFO),
  words(
    'swaps',
    parseSwaps,
    never,
    'Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n',
  ),
  words('capabilities', capabilities, never, 'CapEff:\t000001ffffffffff\n'),
]

function registers(data: Uint8Array): unknown {
  return parseRegisters(scsi.parseSense(data))
}

/** Every descriptor for itself, and the registers whatever the sense key is. */
function details(data: Uint8Array): unknown {
  const sense = scsi.parseSense(data)
  const all = sense.descriptors.map((one) => scsi.parseSenseDescriptor(one, sense.key))
  return [...all, ata.parseStatusReturn(sense)]
}

function smartStatus(data: Uint8Array): unknown {
  const { parse, parseCheckCondition } = ata.smartReturnStatus()
  return parseCheckCondition?.(scsi.parseSense(data), EMPTY[0]!) ?? parse(data)
}

/** What it does with as many bytes as the sense data have. */
function tapeRead(data: Uint8Array): unknown {
  const [variable, fixed] = [
    { length: 64, sili: true },
    { blocks: 4, blockLength: 16 },
  ]
  const response = { status: 0x02, sense: data, data }
  return [ssc.readResult(variable, response), ssc.readResult(fixed, response)]
}

function ends(data: Uint8Array): unknown {
  const sense = scsi.parseSense(data)
  return [ssc.parseStreamEnd(sense), parseEarlyWarning(sense)]
}

function capabilities(given: string): unknown {
  return parseCapabilities(given, 'user:[4026531837]')
}

function address(error: unknown): boolean {
  return isOf(error, 'ERR_SGRING_ADDRESS')
}

function kept(error: unknown): boolean {
  return isOf(error, 'ERR_SGRING_BACKING')
}

function configured(error: unknown): boolean {
  return error instanceof ConfigError
}
