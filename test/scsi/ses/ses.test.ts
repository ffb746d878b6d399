import assert from 'node:assert/strict'
import {
  additionalElementStatus,
  type Configuration,
  configuration,
  ElementStatusCode,
  ElementType,
  elementAt,
  elementDescriptors,
  elementPlaces,
  enclosureControl,
  enclosureStatus,
  type SlotStatus,
  sendDiagnosticPage,
  slotControl,
  supportedDiagnosticPages,
} from '#dist/scsi/ses/index.js'
import { suite } from '../../harness/index.ts'
import { survivesAnyBytes } from '../any-bytes.ts'
import { bytes, hex } from '../hex.ts'
import {
  ADDITIONAL_STATUS,
  CONFIGURATION,
  ELEMENT_DESCRIPTORS,
  ENCLOSURE_STATUS,
  SUPPORTED_PAGES,
} from './dumps.ts'

const test = suite('enclosures')

const refused = { code: 'ERR_SGRING_RESPONSE' }
const argument = { code: 'ERR_SGRING_INVALID_ARGUMENT' }
const known = configuration().parse(CONFIGURATION)

/** A configuration of these types and numbers of elements. */
function made(...types: readonly (readonly [type: number, elements: number])[]): Configuration {
  const described = types.map(([type, elements]) => ({
    type,
    elements,
    subenclosure: 0,
    text: '',
    typeName: undefined,
  }))
  return { generation: 7, enclosures: [], types: described }
}

/** A page of generation 7. */
function page(code: number, body: string, flags = 0): Uint8Array {
  const rest = bytes(`00000007${body}`)
  return Uint8Array.of(code, flags, rest.length >> 8, rest.length, ...rest)
}

test('has each field where the standard has it (spc-4 6.28, 6.42)', () => {
  assert.equal(hex(configuration().cdb), '1c0101100000')
  assert.equal(
    hex(additionalElementStatus(known, { allocationLength: 0xfffc }).cdb),
    '1c010afffc00',
  )
  const sent = sendDiagnosticPage(new Uint8Array(0x102))
  assert.deepEqual([hex(sent.cdb), sent.dataOut?.length], ['1d1000010200', 0x102])
})

test('reads which pages there are, and what the enclosure consists of (ses-3 6.1.2)', () => {
  const pages = supportedDiagnosticPages().parse(SUPPORTED_PAGES)
  assert.deepEqual(pages, [0, 1, 2, 4, 5, 7, 0x0a, 0x0d, 0x0e, 0x0f, 0x3f])
  assert.deepEqual(known.enclosures, [
    {
      subenclosure: 0,
      process: 1,
      processes: 1,
      logicalIdentifier: 0xd5b4_0150_3fc0_ec16n,
      vendor: 'Areca',
      product: 'ARC-802801.33.63',
      revision: '0133',
      vendorSpecific: bytes('1122334455000000'),
    },
  ])
  assert.deepEqual(
    known.types.map(({ typeName, elements, text }) => [typeName, elements, text]),
    [
      ['ARRAY_DEVICE_SLOT', 24, 'ArrayDevicesInSubEnclsr0'],
      ['ENCLOSURE', 1, 'EnclosureElementInSubEnclsr0'],
      ['SAS_EXPANDER', 1, 'SAS Expander'],
      ['COOLING', 5, 'CoolingElementInSubEnclsr0'],
      ['TEMPERATURE_SENSOR', 2, 'TempSensorsInSubEnclsr0'],
      ['VOLTAGE_SENSOR', 2, 'VoltageSensorsInSubEnclsr0'],
      ['SAS_CONNECTOR', 3, 'ConnectorsInSubEnclsr0'],
      ['POWER_SUPPLY', 2, 'PowerSupplyInSubEnclsr0'],
      ['AUDIBLE_ALARM', 1, 'AudibleAlarmInSubEnclsr0'],
    ],
  )
  assert.equal([...elementPlaces(known)].length, 50)
})

test('reads how every element is, with the readings of its sensors (ses-3 6.1.4, 7.3)', () => {
  const { critical, nonCritical, elements } = enclosureStatus(known).parse(ENCLOSURE_STATUS)
  assert.deepEqual([critical, nonCritical, elements.length], [true, false, 50])
  const installed = elements.filter(
    ({ code, type }) => code === ElementStatusCode.OK && type === ElementType.ARRAY_DEVICE_SLOT,
  )
  assert.deepEqual(
    installed.map(({ index }) => index),
    [18],
  )
  const readings = elements.filter(
    ({ details, index }) => index !== undefined && details !== undefined && details.kind !== 'slot',
  )
  assert.deepEqual(
    readings.slice(4).map(({ details }) => details),
    [
      { kind: 'cooling', rpm: 7500 },
      { kind: 'temperature', celsius: 49 },
      { kind: 'temperature', celsius: 66 },
      { kind: 'voltage', volts: 0.94 },
      { kind: 'voltage', volts: 1.8 },
    ],
  )
})

test('reads readings below zero, and none', () => {
  const { elements } = enclosureStatus(made([0x04, 2], [0x12, 1], [0x13, 1])).parse(
    page(2, '00000000 01000100 01000000 00000000 0100fe0c 00000000 0100ffff'),
  )
  assert.deepEqual(
    elements.filter(({ index }) => index !== undefined).map(({ details }) => details),
    [
      { kind: 'temperature', celsius: -19 },
      { kind: 'temperature', celsius: undefined },
      { kind: 'voltage', volts: -5 },
      { kind: 'current', amperes: -0.01 },
    ],
  )
})

test('reads the speed of a fan by its factor (ses-4 FAN SPEED FACTOR)', () => {
  const { elements } = enclosureStatus(made([0x03, 4])).parse(
    page(2, '00000000 01006400 01086400 01106400 01186400'),
  )
  assert.deepEqual(
    elements.slice(1).map(({ details }) => details),
    [1000, 21_480, 10_000, undefined].map((rpm) => ({ kind: 'cooling', rpm })),
  )
})

test('keeps the address of a device slot and the states of an array device slot apart (ses-3 7.3.2, 7.3.3)', () => {
  const slots = made([0x01, 1], [0x17, 1])
  const { elements } = enclosureStatus(slots).parse(
    page(2, '00000000 01ff0220 00000000 71ff0000', 0x1f),
  )
  const [, slot, , array] = elements.map(({ details }) => details as SlotStatus)
  assert.deepEqual(
    [slot?.address, slot?.array, slot?.identify, slot?.faultRequested],
    [255, undefined, true, true],
  )
  assert.equal(array?.address, undefined)
  assert.deepEqual(new Set(Object.values(array?.array ?? {})), new Set([true]))
  const { predictedFailure, disabled, swapped, code } = elements[3]!
  assert.deepEqual(
    [predictedFailure, disabled, swapped, code],
    [true, true, true, ElementStatusCode.OK],
  )
})

test('controls the elements that are named, and leaves the others alone (ses-3 6.1.3)', () => {
  const control = slotControl({ identify: true, fault: true, array: { hotSpare: true } })
  assert.equal(hex(control), '80200220')
  const elements = [{ typeIndex: 0, index: 1, control }]
  const { cdb, dataOut } = enclosureControl(made([0x17, 2], [0x02, 1]), {
    elements,
    critical: true,
  })
  assert.equal(hex(cdb), '1d1000001c00')
  assert.equal(
    hex(dataOut!),
    '020200180000000700000000000000008020022000000000 00000000'.replace(' ', ''),
  )
  const all = slotControl({
    active: true,
    doNotRemove: true,
    missing: true,
    insert: true,
    remove: true,
    deviceOff: true,
    bypassA: true,
    bypassB: true,
    predictedFailure: true,
    disable: true,
    resetSwap: true,
  })
  assert.equal(hex(all), 'f000dc1c')
  for (const wrong of [
    { typeIndex: 2, index: 0, control },
    { typeIndex: 0, index: 2, control },
    { typeIndex: 0, index: 0, control: control.subarray(1) },
  ]) {
    assert.throws(() => enclosureControl(made([0x17, 2], [2, 1]), { elements: [wrong] }), argument)
  }
})

test('reads what elements are called (ses-3 6.1.10)', () => {
  const named = elementDescriptors(known).parse(ELEMENT_DESCRIPTORS)
  assert.equal(named.length, 50)
  assert.deepEqual(
    [named[0], named[1], named[24], named[49]].map((one) => [one?.index, one?.text]),
    [
      [undefined, 'ArrayDevicesInSubEnclsr0'],
      [0, 'SLOT 01'],
      [23, 'SLOT 24'],
      [0, 'Audible-Alarm'],
    ],
  )
})

test('reads which devices are in which slots, and how an expander is connected (ses-3 6.1.13)', () => {
  const found = additionalElementStatus(known).parse(ADDITIONAL_STATUS)
  assert.equal(found.length, 25)
  const sas = found.map((one) => one.sas)
  const phys = sas.flatMap((one) => (one?.kind === 'deviceSlot' ? one.phys : []))
  assert.deepEqual(phys.map(({ deviceType }) => deviceType).filter(Boolean), [2, 2, 2, 2, 1])
  const none = { ssp: false, stp: false, smp: false }
  assert.deepEqual(sas[18], {
    kind: 'deviceSlot',
    slot: 18,
    notAllPhys: false,
    phys: [
      {
        deviceType: 1,
        initiator: none,
        target: { ...none, ssp: true },
        sataDevice: false,
        sataPortSelector: false,
        attachedSasAddress: 0x5001_b4d5_16ec_c03fn,
        sasAddress: 0x5000_c500_3011_cb29n,
        phyIdentifier: 0,
      },
    ],
  })
  const expander = sas[24]
  assert.ok(expander?.kind === 'expander')
  assert.deepEqual([expander.sasAddress, expander.phys.length], [0x5001_b4d5_16ec_c03fn, 36])
  assert.deepEqual(
    [expander.phys[0], expander.phys[16]],
    [
      { connector: undefined, other: 13 },
      { connector: 2, other: undefined },
    ],
  )
})

test('finds the element that an index means, with overall elements or without (ses-3 6.1.13)', () => {
  const [first, , third] = additionalElementStatus(known).parse(ADDITIONAL_STATUS)
  const place = (elementIndex: number | undefined, indexIncludesOverall: number) =>
    elementAt(known, { ...first!, elementIndex, indexIncludesOverall })
  assert.equal(elementAt(known, third!)?.index, 2)
  assert.deepEqual([place(2, 1)?.index, place(0, 1)?.index], [1, undefined])
  assert.deepEqual(
    [place(24, 0)?.type, place(26, 1)?.type],
    [ElementType.ENCLOSURE, ElementType.ENCLOSURE],
  )
  assert.deepEqual(
    [place(undefined, 0), place(0, 2), place(200, 0)],
    [undefined, undefined, undefined],
  )
})

test('reads slots without an index, ports, and other protocols (ses-3 6.1.13)', () => {
  const phy = `10000a09${'5000000000000001'}${'5000000000000002'}03${'00'.repeat(7)}`
  const body = `061e 01 01 ${phy} 1616 01 07 01 400000 05 00 ff 03 00000000 5000000000000003 1006 0000 00000000 9606 0002 00000000`
  const [slot, port, fibre, invalid] = additionalElementStatus({ generation: 7 }).parse(
    page(0x0a, body),
  )
  assert.ok(slot?.sas?.kind === 'deviceSlot' && slot.elementIndex === undefined)
  assert.deepEqual([slot.sas.slot, slot.sas.notAllPhys, slot.sas.phys.length], [undefined, true, 1])
  assert.deepEqual(
    [slot.sas.phys[0]?.target.ssp, slot.sas.phys[0]?.sataDevice, slot.sas.phys[0]?.initiator.smp],
    [true, true, true],
  )
  assert.deepEqual([port?.elementIndex, port?.indexIncludesOverall], [7, 1])
  assert.deepEqual(port?.sas, {
    kind: 'port',
    phys: [
      { phyIdentifier: 5, connector: undefined, other: 3, sasAddress: 0x5000_0000_0000_0003n },
    ],
  })
  assert.deepEqual(
    [fibre?.protocol, fibre?.sas, invalid?.invalid, invalid?.sas],
    [0, undefined, true, undefined],
  )
})

test('refuses pages of another generation, of another code, that are cut, and too long to be asked for so', () => {
  const other = { ...known, generation: 1 }
  assert.throws(() => enclosureStatus(other).parse(ENCLOSURE_STATUS), /of generation 0/)
  assert.throws(() => elementDescriptors(other).parse(ELEMENT_DESCRIPTORS), refused)
  assert.throws(() => additionalElementStatus(other).parse(ADDITIONAL_STATUS), refused)
  assert.throws(() => enclosureStatus(known).parse(CONFIGURATION), /01h came instead/)
  assert.throws(
    () => configuration({ allocationLength: 64 }).parse(CONFIGURATION.subarray(0, 64)),
    /allocationLength of 64 is short/,
  )
  assert.throws(() => configuration().parse(CONFIGURATION.subarray(0, 64)), refused)
  assert.throws(() => enclosureStatus(made([1, 2])).parse(page(2, '00000000 00000000')), refused)
  assert.throws(
    () => additionalElementStatus(made()).parse(page(0x0a, '1616 0107 0240 0000')),
    refused,
  )
})

test('gives a result or ERR_SGRING_RESPONSE for any bytes, and nothing else', () => {
  survivesAnyBytes('supported pages', SUPPORTED_PAGES, supportedDiagnosticPages().parse)
  survivesAnyBytes('configuration', CONFIGURATION, configuration().parse)
  survivesAnyBytes('status', ENCLOSURE_STATUS, enclosureStatus(known).parse)
  survivesAnyBytes('descriptors', ELEMENT_DESCRIPTORS, elementDescriptors(known).parse)
  survivesAnyBytes('additional status', ADDITIONAL_STATUS, additionalElementStatus(known).parse)
})

test.run()
