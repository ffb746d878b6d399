import assert from 'node:assert/strict'
import {
  AttachedDevice,
  discover,
  LinkRate,
  PhyOperation,
  phyControl,
  Routing,
  reportGeneral,
  reportManufacturerInformation,
  SmpResult,
  smpResultName,
} from '#dist/sg/transport-nodes/smp.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../../scsi/any-bytes.ts'
import { bytes, hex } from '../../scsi/hex.ts'

const test = suite('SMP functions')

const refused = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const reply = new Uint8Array()

/** A response of `length` bytes without its CRC, and some of its bytes. */
function response(start: string, length: number, rest: Readonly<Record<number, string>> = {}) {
  const data = new Uint8Array(length)
  data.set(bytes(start))
  for (const [at, part] of Object.entries(rest)) data.set(bytes(part), Number(at))
  return { reply, data }
}

const GENERAL = response('41000011', 72, {
  4: '01020304 80 24 93 00',
  12: '500605b000270300',
  30: '0100 0200 07d0 5f 00 0400',
  40: '500605b0002703ff',
})

const PHY = response('4110001d', 120, {
  4: '0102',
  9: '05',
  12: '230a0d8b',
  16: '500605b000270300',
  24: '5000c5001234567a',
  32: '07',
  40: '8aa9 11 83 02 20 04 03',
  52: '5000c50012345678',
  60: '01 0000 09',
  94: '3b',
})

test('are framed with room for the CRC (sas-2 10.4.3)', () => {
  const framed = [
    reportGeneral(),
    reportGeneral({ legacy: true }),
    reportManufacturerInformation(),
    discover({ phy: 5 }),
    discover({ phy: 5, ignoreZoneGroup: true, legacy: true }),
    phyControl({ phy: 3, operation: PhyOperation.LINK_RESET }),
  ]
  // As drivers/scsi/libsas/sas_host_smp.c counts them: 8, 16 and 44 bytes, answered with 32, 64, 56 and 8 in SAS-1.1.
  assert.deepEqual(
    framed.map(({ dataOut, dataInLength }) => [hex(dataOut!), dataInLength]),
    [
      ['40001100 00000000', 76],
      ['40000000 00000000', 32],
      ['40010e00 00000000', 64],
      ['40101d02 00000000 00050000 00000000', 124],
      ['40100000 00000000 01050000 00000000', 56],
      [`40910009 00000000 00030100 ${'00'.repeat(32)}`, 8],
    ].map(([frame, length]) => [String(frame).replaceAll(' ', ''), length]),
  )
  assert.ok(framed.every(({ request }) => request.every((byte) => byte === 0)))
})

test('steer a phy with each field where the standard has it (sas-2 10.4.3)', () => {
  const { dataOut } = phyControl({
    phy: 0xfe,
    operation: PhyOperation.SET_ATTACHED_DEVICE_NAME,
    expectedChangeCount: 0x0123,
    attachedDeviceName: 0x5000_c500_1234_5678n,
    programmedMinimumRate: LinkRate.RATE_1_5_GBPS,
    programmedMaximumRate: LinkRate.RATE_6_GBPS,
    partialPathwayTimeout: 7,
  })
  assert.equal(
    hex(dataOut!),
    `40910009 01230000 00fe0901 ${'00'.repeat(12)} 5000c500 12345678 80a00000 07000000 00000000`.replaceAll(
      ' ',
      '',
    ),
  )
  assert.throws(() => phyControl({ phy: 256, operation: 1 }), argument)
  assert.throws(() => phyControl({ phy: 0, operation: 1, programmedMaximumRate: 16 }), argument)
  assert.throws(() => discover({ phy: -1 }), argument)
})

test('read REPORT GENERAL (sas-2 10.4.3)', () => {
  assert.deepEqual(reportGeneral().parse(GENERAL), {
    expanderChangeCount: 0x0102,
    expanderRouteIndexes: 0x0304,
    longResponse: true,
    phys: 36,
    tableToTable: true,
    zoneConfiguring: false,
    selfConfiguring: false,
    stpContinueAwt: true,
    openRejectRetry: false,
    configuresOthers: false,
    configuring: true,
    externallyConfigurable: true,
    enclosureLogicalIdentifier: 0x5006_05b0_0027_0300n,
    stpBusInactivityLimit: 0x100,
    stpMaximumConnectTime: 0x200,
    stpSmpNexusLossTime: 2000,
    zoneGroups: 1,
    zoneLocked: true,
    physicalPresenceSupported: true,
    physicalPresenceAsserted: true,
    zoningSupported: true,
    zoningEnabled: true,
    maximumRoutedAddresses: 1024,
    activeZoneManager: 0x5006_05b0_0027_03ffn,
  })
})

test('read what a SAS-1.1 expander answers, which names no length (sas-2 10.4.3)', () => {
  const { phys, enclosureLogicalIdentifier, zoningSupported, activeZoneManager } =
    reportGeneral().parse(response('41000000', 32, { 9: '0c', 12: '5001' }))
  assert.deepEqual(
    [phys, enclosureLogicalIdentifier, zoningSupported, activeZoneManager],
    [12, 0x5001_0000_0000_0000n, false, 0n],
  )
  // Without the CRC, too: some drivers do not count it.
  assert.equal(reportGeneral().parse(response('41000000', 28, { 9: '0c' })).phys, 12)
  assert.throws(() => reportGeneral().parse(response('41000000', 27)), refused)
})

test('read who made an expander (sas-2 10.4.3)', () => {
  const manufacturer = response('4101000e', 64, {
    4: '0007',
    8: '01',
    12: hex(Buffer.from('ACME    EXPANDER 36     0203LSI     ')),
    48: '023304',
    52: '0102030405060708',
  })
  assert.deepEqual(reportManufacturerInformation().parse(manufacturer), {
    expanderChangeCount: 7,
    sas11Format: true,
    vendor: 'ACME',
    product: 'EXPANDER 36',
    revision: '0203',
    componentVendor: 'LSI',
    componentId: 0x0233,
    componentRevision: 4,
    vendorSpecific: bytes('0102030405060708'),
  })
})

test('read a phy (sas-2 10.4.3)', () => {
  assert.deepEqual(discover({ phy: 5 }).parse(PHY), {
    expanderChangeCount: 0x0102,
    phyIdentifier: 5,
    attachedDevice: AttachedDevice.EXPANDER,
    attachedReason: 3,
    negotiatedLogicalRate: LinkRate.RATE_6_GBPS,
    attachedSspInitiator: true,
    attachedStpInitiator: true,
    attachedSmpInitiator: false,
    attachedSataHost: true,
    attachedSataPortSelector: true,
    attachedSspTarget: true,
    attachedStpTarget: false,
    attachedSmpTarget: true,
    attachedSataDevice: true,
    sasAddress: 0x5006_05b0_0027_0300n,
    attachedSasAddress: 0x5000_c500_1234_567an,
    attachedPhyIdentifier: 7,
    programmedMinimumRate: LinkRate.RATE_1_5_GBPS,
    hardwareMinimumRate: LinkRate.RATE_6_GBPS,
    programmedMaximumRate: LinkRate.RATE_6_GBPS,
    hardwareMaximumRate: LinkRate.RATE_3_GBPS,
    phyChangeCount: 0x11,
    virtualPhy: true,
    partialPathwayTimeout: 3,
    routing: Routing.TABLE,
    connectorType: 0x20,
    connectorElementIndex: 4,
    connectorPhysicalLink: 3,
    attachedDeviceName: 0x5000_c500_1234_5678n,
    zoningEnabled: true,
    zoneGroup: 9,
    negotiatedPhysicalRate: LinkRate.RATE_12_GBPS,
    reason: 3,
  })
})

test('say by name what was not accepted (sas-2 10.4.3)', () => {
  assert.throws(() => discover({ phy: 99 }).parse(response('41101000', 4)), {
    name: 'SmpFunctionError',
    code: 'ERR_SGRING_SMP_FUNCTION',
    function: 0x10,
    result: SmpResult.PHY_DOES_NOT_EXIST,
    message: 'SMP function 10h: PHY DOES NOT EXIST',
  })
  assert.equal(smpResultName(SmpResult.PHY_VACANT), 'PHY VACANT')
  assert.equal(smpResultName(0x7f), 'reserved function result 7fh')
  assert.equal(phyControl({ phy: 0, operation: 0 }).parse(response('41910000', 8)), undefined)
})

test('refuse frames that are no response, or another one (sas-2 10.4.3)', () => {
  assert.throws(() => reportGeneral().parse(response('40000000', 32)), refused)
  assert.throws(() => reportGeneral().parse(response('41100000', 32)), refused)
  assert.throws(() => reportGeneral().parse(response('410000ff', 76)), refused)
  assert.throws(() => reportGeneral().parse(response('410000', 3)), refused)
})

test('survive any bytes', () => {
  const parsers = [
    ['REPORT GENERAL', reportGeneral(), GENERAL],
    ['DISCOVER', discover({ phy: 0 }), PHY],
    ['MANUFACTURER', reportManufacturerInformation(), response('4101000e', 64)],
    ['PHY CONTROL', phyControl({ phy: 0, operation: 0 }), response('41910000', 8)],
  ] as const
  for (const [name, { parse }, { data: good }] of parsers) {
    survivesAnyBytes(name, good, (data) => {
      try {
        parse({ reply, data })
      } catch (error) {
        // A function result is a result here.
        if ((error as { code?: string }).code !== 'ERR_SGRING_SMP_FUNCTION') throw error
      }
    })
  }
})

test.run()
