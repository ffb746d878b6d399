import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { suite } from '../harness/index.ts'
import { Place } from './program.ts'

/** Where a user's PATH may not lead. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`
const found = ['mkfs.ext4', 'e2fsck', 'debugfs'].every(
  (program) => spawnSync(program, ['-V'], { env: { PATH } }).error === undefined,
)
const skip = found ? undefined : 'needs mkfs.ext4 and e2fsck: apt-get install e2fsprogs'

const test = suite('a filesystem image')
let place: Place
test.before.each(() => {
  place = new Place()
})
test.after.each(() => place.remove())

async function shell(line: string): Promise<Buffer> {
  const { code, stdout, stderr } = await place.shell(`PATH=${PATH}:$PATH; ${line}`)
  assert.equal(code, 0, `${line}: ${stdout}${stderr}`)
  return stdout
}

for (const blockLength of [512, 4096]) {
  test(
    `is whole for e2fsck in the backing that it was copied to, by blocks of ${blockLength}`,
    async () => {
      mkdirSync(place.path('files/deep'), { recursive: true })
      const data = randomBytes(3 << 20)
      place.file('files/deep/data', data)
      for (let file = 0; file < 200; file++) place.file(`files/${file}`, `file ${file}\n`)
      await shell('truncate -s 40M fs.img && mkfs.ext4 -q -F -d files fs.img')
      const server = await place.serve(
        `--listen disk --file backing.img --create 48M --block-length ${blockLength}`.split(' '),
      )
      await shell('sgring copy fs.img ring:disk --verify')
      server.child.kill('SIGINT')
      assert.equal((await server.ended()).code, 0)
      await shell('e2fsck -fn backing.img')
      const back = await shell('debugfs -R "cat /deep/data" backing.img 2>/dev/null')
      assert.ok(back.equals(data))
    },
    { skip, deadlineMs: 60_000 },
  )
}

test(
  'is not whole for e2fsck where a part of it was left out',
  async () => {
    await shell('truncate -s 40M fs.img && mkfs.ext4 -q -F fs.img')
    await place.serve('--listen disk --file backing.img --create 48M'.split(' '))
    await shell('sgring copy fs.img ring:disk --bs 4K --count 1')
    const { code } = await place.shell(`PATH=${PATH}:$PATH; e2fsck -fn backing.img`)
    assert.ok(code !== 0)
  },
  { skip, deadlineMs: 60_000 },
)

test.run()
