import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { privilegeFor } from '#dist/sg/kernel-filter.js'
import { commandFilter } from '#dist/sg/opcodes.js'
import { suite } from '../harness/index.ts'

const test = suite(`the filter of operation codes in the kernel ${process.env.SGRING_GUEST}`)

/**
 * Asks for all 256 by SG_IO (`struct sg_io_hdr`), and prints those that are EPERM. None is carried out: behind its filter the kernel finds that the data-out
 * stand nowhere. Perl is on every Debian.
 */
const SENDER = `
my ($path, $mode) = @ARGV;
sysopen(my $node, $path, $mode eq 'rw' ? 2 : 0) or die "$path: $!";
my $sense = "\\0" x 96;
for my $opcode (0 .. 255) {
  my @length = (6, 10, 10, 32, 16, 12, 6, 6);
  my $cdb = pack('C', $opcode) . ("\\0" x ($length[$opcode >> 5] - 1));
  my $header = pack('iiCCSIQPPIIix4QC4SSiIIx4', 83, -2, length $cdb, 96, 0, 512, 1, $cdb, $sense,
    20000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  die "$opcode was carried out" if defined ioctl($node, 0x2285, $header);
  if ($!{EPERM}) { print "$opcode\\n" } elsif (!$!{EFAULT}) { die "$opcode: $!" }
}`

/** The operation codes that the kernel refuses to root without CAP_SYS_RAWIO. */
function refused(path: string, mode: 'r' | 'rw'): number[] {
  const args = ['--bounding-set', '-sys_rawio', '--inh-caps', '-sys_rawio']
  const output = execFileSync('setpriv', [...args, 'perl', '-MErrno', '-e', SENDER, path, mode], {
    encoding: 'utf8',
  })
  return output.split('\n').filter(Boolean).map(Number)
}

const ALL = Array.from({ length: 256 }, (_, opcode) => opcode)

for (const mode of ['r', 'rw'] as const) {
  test(`a block node that is open for ${mode} takes what the table says`, () => {
    const expected = ALL.filter((opcode) => {
      const privilege = privilegeFor(opcode)
      return privilege === 'rawio' || (privilege === 'writing' && mode === 'r')
    })
    assert.deepEqual(refused('/dev/sda', mode), expected)
  })

  test(`an sg node that is open for ${mode} takes what is known before`, () => {
    const check = commandFilter({
      nodeKind: 'sg',
      openedForWriting: mode === 'rw',
      capabilities: { sysRawio: false, sysAdmin: true },
    })
    const expected = ALL.filter((opcode) => check(Uint8Array.of(opcode, 0, 0, 0, 0, 0)))
    assert.deepEqual(refused('/dev/sg0', mode), expected)
  })
}

test.run()
