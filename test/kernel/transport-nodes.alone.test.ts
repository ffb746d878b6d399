/** Two FCoE hosts that see each other over a pair of virtual Ethernet interfaces, and an LSI SAS 1068 that knows no SMP. */

// guest: --modules mptsas
// guest: --qemu '-drive if=none,id=d,format=raw,file={disk} -device mptsas1068,id=sas,sas_address=0x5000000000000001 -device scsi-hd,drive=d,bus=sas.0,scsi-id=0,wwn=0x5000c50000000001'

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { experimental, openTransport, smp, TransportNodeError } from '#dist/index.js'
import { suite } from '../harness/index.ts'
import { until } from '../support/until.ts'

const { fc } = experimental
const test = suite('transport nodes')

const ECHO = 0x10
const RLS = 0x0f
/** Of which nothing comes back for a long second: the adapter fails, and its driver resets it. */
const ADAPTER_MS = 30_000

function nodes(pattern: RegExp): string[] {
  return readdirSync('/dev/bsg').filter((name) => pattern.test(name))
}

/** Both FCoE hosts, logged in to each other. */
test.before(async () => {
  for (const module of ['fcoe', 'veth']) execFileSync('modprobe', [module])
  execFileSync('ip', ['link', 'add', 'fc0', 'type', 'veth', 'peer', 'name', 'fc1'])
  for (const name of ['fc0', 'fc1']) {
    execFileSync('ip', ['link', 'set', name, 'up'])
    writeFileSync('/sys/bus/fcoe/ctlr_create', name)
  }
  const controllers = readdirSync('/sys/bus/fcoe/devices')
  for (const name of controllers) {
    const controller = join('/sys/bus/fcoe/devices', name)
    writeFileSync(join(controller, 'mode'), 'VN2VN')
    writeFileSync(join(controller, 'enabled'), '1')
  }
  await until('two remote ports', () => nodes(/^rport-/).length === 2)
})

test('name what a path is that is none of theirs', async () => {
  const bsg = nodes(/^\d+:/)[0]
  const wrong = { code: 'ERR_SGRING_ADDRESS' }
  await assert.rejects(openTransport(`/dev/bsg/${bsg}`), { ...wrong, message: /logical unit/ })
  await assert.rejects(openTransport('/dev/sg0'), { ...wrong, message: /a node of scsi_generic/ })
  await assert.rejects(openTransport('/dev/null'), { ...wrong, message: /a node of mem/ })
  await assert.rejects(openTransport('/dev/sda'), { ...wrong, message: /no character device/ })
  await assert.rejects(openTransport('/dev/bsg/none'), {
    code: 'ERR_SGRING_NO_DEVICE',
    message: /ENOENT/,
  })
})

test('carry an ELS to a remote port, data both ways (scsi_bsg_fc.h)', async () => {
  for (const name of nodes(/^rport-/)) {
    const node = await openTransport(`/dev/bsg/${name}`)
    try {
      assert.equal(node.kind, 'fc-rport')
      const payload = Uint8Array.of(ECHO, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef)
      const echo = await node.run(fc.fcRportEls({ dataOut: payload, dataInLength: 64 }))
      assert.deepEqual(
        [echo.result, echo.status, echo.dataReceived],
        [0, fc.FcStatus.OK, payload.length],
      )
      assert.deepEqual([...echo.data], [fc.ElsCommand.LS_ACC, ...payload.subarray(1)])
    } finally {
      await node.close()
    }
  }
})

test('tell how many bytes did not come, where there are data both ways (block/bsg-lib.c)', async () => {
  const node = await openTransport(`/dev/bsg/${nodes(/^rport-/)[0]}`)
  try {
    const { request, dataOut } = fc.fcRportEls({ dataOut: els(ECHO, 8), dataInLength: 0 })
    const reply = await node.executeTransport({ request, dataOut: dataOut!, dataIn: 5000 })
    assert.deepEqual([reply.data.length, reply.dataInResidual], [8, 4992])
    assert.deepEqual([reply.deviceStatus, reply.transportStatus, reply.driverStatus], [0, 0, 0])
    assert.ok(reply.reply.length >= 16 && reply.reply.length <= 96)
  } finally {
    await node.close()
  }
})

test('carry many messages at once, each to its own answer', async () => {
  const node = await openTransport(`/dev/bsg/${nodes(/^rport-/)[0]}`)
  try {
    const answers = Array.from({ length: 64 }, async (_, number) => {
      const dataOut = els(ECHO, 12)
      dataOut[8] = number
      return (await node.run(fc.fcRportEls({ dataOut, dataInLength: 12 }))).data[8]
    })
    await assert.rejects(node.run(fc.fcRportEls({ dataOut: els(ECHO, 4), dataInLength: 4 })), {
      code: 'ERR_SGRING_BUSY',
    })
    assert.deepEqual(await Promise.all(answers), [...Array(64).keys()])
  } finally {
    await node.close()
  }
})

test('carry an ELS to any port by a host, and say why its driver takes another message not', async () => {
  const name = nodes(/^fc_host/)[0]!
  const rport = nodes(/^rport-/).find((port) => port.startsWith(`rport-${name.slice(7)}:`))
  const portId = Number(readFileSync(`/sys/class/fc_remote_ports/${rport}/port_id`, 'utf8'))
  const node = await openTransport(`/dev/bsg/${name}`)
  try {
    assert.equal(node.kind, 'fc-host')
    const links = await node.run(fc.fcHostEls({ portId, dataOut: els(RLS, 8), dataInLength: 28 }))
    assert.deepEqual([links.status, links.data.length, links.data[0]], [0, 28, 2])
    const vendor = fc.fcVendor({ vendorId: 0x0100_0000_0000_1077n, command: Uint8Array.of(1) })
    await assert.rejects(node.run(vendor), { code: 'ERR_SGRING_DELIVERY', errno: 'ESRCH' })
    // Shorter than its own code.
    const empty = { request: new Uint8Array() }
    await assert.rejects(node.executeTransport(empty), { errno: 'ENOMSG' })
    // An ELS wants room for its answer.
    const mute = fc.fcHostEls({ portId, dataOut: els(RLS, 8), dataInLength: 0 })
    await assert.rejects(node.run(mute), { errno: 'EINVAL' })
  } finally {
    await node.close()
  }
})

test('want CAP_SYS_RAWIO, and say so', () => {
  const path = `/dev/bsg/${nodes(/^rport-/)[0]}`
  const program = `
    const { experimental: { fc }, openTransport } = await import('${join(process.cwd(), 'dist/index.js')}')
    const node = await openTransport('${path}')
    const message = fc.fcRportEls({ dataOut: Uint8Array.of(${ECHO}, 0, 0, 0), dataInLength: 4 })
    await node.run(message).catch((error) => console.log(error.code, error.message))
    await node.close()`
  const child = spawnSync(
    'setpriv',
    ['--bounding-set=-sys_rawio', process.execPath, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  )
  assert.match(child.stdout, /^ERR_SGRING_NOT_PERMITTED .*CAP_SYS_RAWIO/, child.stderr)
})

const smpUtils = existsSync('/usr/bin/smp_discover')
  ? undefined
  : 'needs smp_discover: apt-get install smp-utils'

test(
  'are asked SMP functions in the bytes of smp_utils (sas-2 10.4.3)',
  () => {
    const { discover, PhyOperation, phyControl, reportGeneral, reportManufacturerInformation } = smp
    const rates = { programmedMinimumRate: 8, programmedMaximumRate: 10, partialPathwayTimeout: 7 }
    const reset = { phy: 254, operation: PhyOperation.HARD_RESET, expectedChangeCount: 291 }
    const cases = [
      ['smp_rep_general', reportGeneral()],
      ['smp_rep_general -z', reportGeneral({ legacy: true })],
      ['smp_rep_manufacturer', reportManufacturerInformation()],
      ['smp_rep_manufacturer -z', reportManufacturerInformation({ legacy: true })],
      ['smp_discover -p 5', discover({ phy: 5 })],
      ['smp_discover -p 5 -i -z', discover({ phy: 5, ignoreZoneGroup: true, legacy: true })],
      ['smp_phy_control -p 5 -o lr', phyControl({ phy: 5, operation: PhyOperation.LINK_RESET })],
      ['smp_phy_control -p 254 -o hr -m 8 -M 10 -E 291 -P 7', phyControl({ ...reset, ...rates })],
    ] as const
    // The node of a disk takes no such message, but the tool prints it first.
    const disk = `/dev/bsg/${nodes(/^\d+:/)[0]}`
    for (const [command, { dataOut }] of cases) {
      const [tool = '', ...options] = command.split(' ')
      const { stderr, stdout } = spawnSync(tool, ['-v', ...options, disk], { encoding: 'utf8' })
      const printed = /request:([0-9a-f\s]+?)\n[a-z]+_/.exec(stderr + stdout)?.[1] ?? ''
      assert.equal(printed.replace(/\s/g, ''), Buffer.from(dataOut!).toString('hex'), command)
    }
  },
  { skip: smpUtils },
)

test(
  'say when an adapter does not answer an SMP function',
  async () => {
    const [host, device] = [nodes(/^sas_host/)[0], nodes(/^end_device-/)[0]]
    for (const [name, kind] of [
      [host, 'sas-host'],
      [device, 'sas-end-device'],
    ]) {
      const node = await openTransport(`/dev/bsg/${name}`)
      try {
        assert.equal(node.kind, kind)
        // Refused by the transport class (scsi_transport_sas.c), then by the driver, which takes one piece each way (mptsas.c).
        const frame = smp.reportGeneral().dataOut!
        const mute = { request: new Uint8Array(16), dataOut: frame }
        await assert.rejects(node.executeTransport(mute), { errno: 'EINVAL' })
        const pieces = { ...mute, dataOut: new Uint8Array(8192), dataIn: 8 }
        // Pages that happen to adjoin are one piece; then it is the adapter that says nothing.
        const refused = (error: unknown) => {
          assert.ok(error instanceof TransportNodeError)
          assert.match(error.errno, /^(EINVAL|ETIME)$/)
          return true
        }
        await assert.rejects(node.executeTransport(pieces), refused)
        if (kind === 'sas-host') continue
        // The adapter has no SMP pass-through and fails; the driver resets it (mptbase.c).
        const asked = { code: 'ERR_SGRING_TIMEOUT', errno: 'ETIME' }
        await assert.rejects(node.run(smp.discover({ phy: 0 })), asked)
      } finally {
        await node.close()
      }
    }
  },
  { deadlineMs: ADAPTER_MS },
)

test(
  'give a message up at once, which goes on in the kernel',
  async () => {
    const name = await until('the SAS host', () => nodes(/^sas_host/)[0])
    const node = await openTransport(`/dev/bsg/${name}`)
    const controller = new AbortController()
    const given = node.run(smp.reportGeneral(), { signal: controller.signal })
    const left = node.run(smp.reportGeneral())
    controller.abort(new Error('enough'))
    await assert.rejects(given, { message: 'enough' })
    await Promise.all([node.close(), assert.rejects(left, { code: 'ERR_SGRING_CLOSED' })])
    assert.equal(node.leftBehind, 2)
    await assert.rejects(node.run(smp.reportGeneral()), { code: 'ERR_SGRING_CLOSED' })
    const aborted = AbortSignal.abort(new Error('never'))
    await assert.rejects(node.run(smp.reportGeneral(), { signal: aborted }), { message: 'never' })
  },
  { deadlineMs: ADAPTER_MS },
)

function els(command: number, length: number): Uint8Array {
  const frame = new Uint8Array(length)
  frame[0] = command
  return frame
}

test.run()
