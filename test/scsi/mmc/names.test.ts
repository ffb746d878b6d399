import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Feature, Profile } from '#dist/scsi/mmc/index.js'
import { suite } from '../../harness/index.ts'
import { words } from '../words.ts'

const test = suite('names of features and profiles of disc drives')

const skip =
  spawnSync('sg_get_config', ['--version']).error === undefined
    ? undefined
    : 'needs sg_get_config: apt-get install sg3-utils'

/** Where its names are other than MMC-6's: misspelled, in other words, or longer. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'removable media': 'removable medium',
  'cd mastering session at once': 'cd mastering',
  'lj rigid restricted oberwrite': 'layer jump rigid restricted overwrite',
  'tsr timely safe recording': 'tsr',
  'non removable disk obs': 'non removable disk',
  'magneto optical erasable': 'mo erasable',
  'dvd r dual layer sequental recording': 'dvd r dual layer sequential recording',
  'non conforming profile': 'non conforming',
}

test(
  'has every feature and profile that sg_get_config knows, and their names',
  () => {
    const { stdout } = spawnSync('sg_get_config', ['--list'], { encoding: 'utf8' })
    const [features = '', profiles = ''] = stdout.split('Known profiles:')
    let compared = 0
    for (const [text, codes] of [
      [features, Feature],
      [profiles, Profile],
    ] as const) {
      const ours = new Map<number, string>(
        Object.entries(codes).map(([name, code]) => [code, name]),
      )
      const theirs = [...text.matchAll(/^ +(.*) \[0x([0-9a-f]{1,4})\]$/gm)]
      assert.ok(theirs.length > 30)
      for (const [, name = '', code = ''] of theirs) {
        const known = ours.get(Number.parseInt(code, 16)) ?? 'nothing'
        const said = words(name.replaceAll('+', ' plus '))
        assert.equal(words(known), OTHERWISE[said] ?? said, `${code}h`)
        compared++
      }
      assert.equal(theirs.length, ours.size)
    }
    console.log(`features and profiles compared with sg_get_config: ${compared}`)
  },
  { skip },
)

test.run()
