/** The files of a machine with SCSI devices, as sysfs, /proc and /dev would show them, in a folder. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Contents of a file; in brackets, where a link leads, from the root. */
export type Tree = Readonly<Record<string, string | Uint8Array | readonly [string]>>

export function plant(root: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(file, content)
    else symlinkSync(join(root, content[0]), file)
  }
}

const ATA = 'sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0'
const SAS = 'sys/devices/pci0000:00/0000:03:00.0/host1/port-1:0/end_device-1:0/target1:0:3/1:0:3:0'
const TAPE = 'sys/devices/pci0000:00/0000:04:00.0/host10/rport-10:0-2/target10:0:2/10:0:2:1'

const HBA = 'sys/devices/pci0000:00/0000:03:00.0'

/** The SAS host and what hangs on it; a node of a kind that nobody knows, which no host has; and that of the disk, which is none. */
const TRANSPORT_NODES: Tree = {
  [`${HBA}/host1/bsg/sas_host1/dev`]: '250:8\n',
  [`${HBA}/host1/port-1:0/end_device-1:0/bsg/end_device-1:0/dev`]: '250:9\n',
  'sys/devices/virtual/bsg/odd/dev': '250:10\n',
  'sys/class/bsg/0:0:0:0': [`${ATA}/bsg/0:0:0:0`],
  'sys/class/bsg/sas_host1': [`${HBA}/host1/bsg/sas_host1`],
  'sys/class/bsg/end_device-1:0': [`${HBA}/host1/port-1:0/end_device-1:0/bsg/end_device-1:0`],
  'sys/class/bsg/odd': ['sys/devices/virtual/bsg/odd'],
}

/** A SATA disk with two partitions, a SAS enclosure, a tape on Fibre Channel, and transport nodes. */
export const MACHINE: Tree = {
  [`${ATA}/type`]: '0\n',
  [`${ATA}/vendor`]: 'ATA     \n',
  [`${ATA}/model`]: 'QEMU HARDDISK   \n',
  [`${ATA}/rev`]: '2.5+\n',
  [`${ATA}/wwid`]: 't10.ATA     QEMU HARDDISK                           QM00001             \n',
  [`${ATA}/state`]: 'running\n',
  [`${ATA}/bsg/0:0:0:0/dev`]: '250:0\n',
  [`${ATA}/scsi_generic/sg0/dev`]: '21:0\n',
  [`${ATA}/block/sda/dev`]: '8:0\n',
  [`${ATA}/block/sda/size`]: '2097152\n',
  [`${ATA}/block/sda/queue/logical_block_size`]: '512\n',
  [`${ATA}/block/sda/queue/max_hw_sectors_kb`]: '32767\n',
  [`${ATA}/block/sda/queue/max_segments`]: '168\n',
  [`${ATA}/block/sda/queue/max_segment_size`]: '65536\n',
  [`${ATA}/block/sda/queue/virt_boundary_mask`]: '0\n',
  [`${ATA}/block/sda/queue/dma_alignment`]: '3\n',
  [`${ATA}/block/sda/sda1/partition`]: '1\n',
  [`${ATA}/block/sda/sda1/dev`]: '8:1\n',
  [`${ATA}/block/sda/sda2/partition`]: '2\n',
  [`${ATA}/block/sda/sda2/dev`]: '8:2\n',
  [`${ATA}/block/sda/sda2/holders/dm-0`]: ['sys/devices/virtual/block/dm-0'],
  'sys/devices/virtual/block/dm-0/dev': '254:0\n',
  'sys/devices/virtual/block/dm-0/dm/name': 'vg-root\n',
  'sys/class/block/dm-0': ['sys/devices/virtual/block/dm-0'],
  'sys/class/block/sda': [`${ATA}/block/sda`],
  'sys/class/scsi_host/host0/proc_name': 'ahci\n',
  'sys/dev/block/8:0': [`${ATA}/block/sda`],
  'sys/dev/block/8:2': [`${ATA}/block/sda/sda2`],
  'sys/dev/char/21:0': [`${ATA}/scsi_generic/sg0`],
  'sys/dev/char/250:0': [`${ATA}/bsg/0:0:0:0`],
  [`${SAS}/type`]: '13\n',
  [`${SAS}/vendor`]: 'ACME    \n',
  [`${SAS}/model`]: 'JBOD\n',
  [`${SAS}/rev`]: '0001\n',
  [`${SAS}/bsg/1:0:3:0/dev`]: '250:1\n',
  [`${SAS}/scsi_generic/sg1/dev`]: '21:1\n',
  'sys/class/scsi_host/host1/proc_name': 'mpt3sas\n',
  [`${TAPE}/type`]: '1\n',
  [`${TAPE}/vendor`]: 'IBM     \n',
  [`${TAPE}/scsi_generic/sg2/dev`]: '21:2\n',
  [`${TAPE}/scsi_tape/nst0/dev`]: '9:128\n',
  [`${TAPE}/scsi_tape/nst0a/dev`]: '9:224\n',
  [`${TAPE}/scsi_tape/st0/dev`]: '9:0\n',
  'sys/class/fc_host/host10': ['sys/devices/pci0000:00/0000:04:00.0'],
  'sys/bus/scsi/devices/0:0:0:0': [ATA],
  'sys/bus/scsi/devices/10:0:2:1': [TAPE],
  'sys/bus/scsi/devices/1:0:3:0': [SAS],
  'sys/bus/scsi/devices/host0': [ATA],
  'sys/bus/scsi/devices/target0:0:0': [ATA],
  ...TRANSPORT_NODES,
  'proc/self/mountinfo': [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw',
    '23 22 8:1 / /boot\\040disk rw,relatime shared:2 - vfat /dev/sda1 rw',
    '24 22 0:5 / /proc rw shared:3 - proc proc rw',
    '',
  ].join('\n'),
  'proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 100 0 -2\n',
}
