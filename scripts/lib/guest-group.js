/** Running tests in guests: a job that runs them one after the other, and what each came to. */

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { testProgram } from './cargo.js'
import { run } from './child.js'
import { builtFile, events, judge } from './files.js'
import { quoted, runGuest } from './guest.js'
import { NoKernel } from './kernels.js'
import { Stop } from './stop.js'
import { single } from './tally.js'

/**
 * The tests that go on in one guest, one after the other.
 *
 * @typedef {object} Group
 * @property {import('./kernels.js').KernelName} kernel
 * @property {import('./machines.js').Machine} machine
 * @property {readonly string[]} files sources, relative to the root
 */

/**
 * When something hangs.
 *
 * @typedef {object} Patience
 * @property {number} fileSeconds what a file may take where Node starts as fast as on this host; under emulation, twice as many times more as Node takes longer
 * @property {import('./guest.js').Silence} [silence]
 */

/** @type {Patience} */
const ordinary = { fileSeconds: 60 }

/** How much slower an emulated machine is, at least. */
const emulated = 10

/**
 * @typedef {object} Run
 * @property {string} root
 * @property {Map<string, string>} programs Rust test programs by their sources
 * @property {boolean} [kvm]
 * @property {Patience} [patience]
 * @property {(outcome: import('./tally.js').Outcome) => void} tell
 * @property {(text: string) => void} note told of each guest
 */

/**
 * Runs a group's files in a guest; in a further one from where a guest was lost, which fails the file that it was lost in.
 *
 * @param {import('./kernels.js').Kernel} kernel
 * @param {Group} group
 * @param {Run} run
 */
export async function runGroup(kernel, group, run) {
  for (let left = group.files; left.length > 0; ) {
    const results = mkdtempSync(join(tmpdir(), 'sgring-results-'))
    try {
      const done = await runOnce(kernel, { ...group, files: left }, run, results)
      left = left.slice(done)
    } catch (error) {
      if (!(error instanceof Stop) || error instanceof NoKernel) throw error
      for (const file of left) run.tell(single(`${kernel.name} ${file}`, false, 0, error.message))
      left = []
    } finally {
      rmSync(results, { recursive: true, force: true })
    }
  }
}

/**
 * @param {import('./kernels.js').Kernel} kernel
 * @param {Group} group
 * @param {Run} run
 * @param {string} results
 * @returns {Promise<number>} how many of the files have their outcome
 */
async function runOnce(
  kernel,
  { machine, files },
  { root, programs, kvm, patience = ordinary, tell, note },
  results,
) {
  let done = 0
  let since = performance.now()
  const settle = () => {
    for (let file = files[done]; file !== undefined; file = files[done]) {
      const folder = join(results, String(done))
      if (!filled(join(folder, 'status'))) break
      const now = performance.now()
      tell(outcome(`${kernel.name} ${file}`, folder, (now - since) / 1000))
      since = now
      done += 1
    }
  }
  const watch = () => {
    settle()
    if (!existsSync(join(results, '0'))) since = performance.now()
    const deadline = Number(text(join(results, 'deadline')))
    const late = deadline > 0 && performance.now() - since > deadline * 1000
    return late ? `its test did not end within ${deadline} s` : undefined
  }
  const commands = files.map((file) => command(root, file, programs))
  const paths = [root, ...[...programs.values()].map(dirname)]
  const options = {
    paths,
    kvm: kvm ?? false,
    watch,
    ...(patience.silence && { silence: patience.silence }),
  }
  const script = await job(root, commands, patience.fileSeconds, kvm ? 1 : emulated)
  const end = await runGuest(kernel, machine, script, results, options)
  settle()
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`
  const times = [`up after ${one(end.bootSeconds)}`, `${one(end.seconds)} in all`]
  const cpu = `${one(end.cpuSeconds)} of CPU time`
  note(`guest ${kernel.name} (Linux ${kernel.release}, ${count}): ${[...times, cpu].join(', ')}`)
  return files[done] === undefined ? done : lost(done)

  /**
   * The outcome of the file that the guest was lost in; of all that are left, if it was lost before them.
   *
   * @param {number} at
   */
  function lost(at) {
    const folder = join(results, String(at))
    if (!existsSync(folder)) {
      const trouble = end.trouble || 'the job ended before it'
      for (const file of files.slice(at)) tell(single(`${kernel.name} ${file}`, false, 0, trouble))
      return files.length
    }
    const name = `${kernel.name} ${files[at]}`
    const ended = {
      code: null,
      how: 'was lost with its guest',
      output: text(join(folder, 'output')),
      seconds: (performance.now() - since) / 1000,
    }
    const { trouble = '', ...judged } = judge(name, ended, events(join(folder, 'report')))
    tell({ ...judged, trouble: `${trouble}\n${end.trouble}` })
    return at + 1
  }
}

/**
 * The job: as the scale of all deadlines, twice as much slower as Node starts than here, because other guests and programs may come; then a folder a command, with output, report and status.
 *
 * @param {string} root
 * @param {readonly (readonly string[])[]} commands
 * @param {number} fileSeconds
 * @param {number} least the scale, where this host is as busy as the guest is slow
 */
async function job(root, commands, fileSeconds, least) {
  const print = ['-p', 'Math.ceil(performance.now())']
  // The least is what it takes; more is what others on this host made of it, and would make the guest's deadlines shorter.
  const starts = []
  for (let time = 0; time < 3; time += 1) {
    starts.push(Number((await run(process.execPath, print)).stdout))
  }
  const start = ['node', ...print].map(quoted).join(' ')
  return `cd ${quoted(root)}
${start} >/dev/null # reads the program from the host
scale=$((2 * $(${start}) / ${Math.min(...starts)} + 1))
export SGRING_DEADLINE_SCALE=$((scale > ${least} ? scale : ${least}))
echo $((${fileSeconds} * SGRING_DEADLINE_SCALE)) >"$RESULTS/deadline"
run() {
  folder="$RESULTS/$1"
  shift
  mkdir "$folder"
  SGRING_TEST_REPORT="$folder/report" "$@" >"$folder/output" 2>&1
  echo $? >"$folder/status"
}
${commands.map((words, index) => `run ${[String(index), ...words].map(quoted).join(' ')}\n`).join('')}`
}

/**
 * @param {string} root
 * @param {string} file
 * @param {Map<string, string>} programs
 */
function command(root, file, programs) {
  const program = programs.get(file)
  if (program !== undefined) return [program, '--include-ignored', '--test-threads=1']
  return ['node', '--enable-source-maps', builtFile(root, file)]
}

/**
 * What a file came to that has ended.
 *
 * @param {string} name
 * @param {string} folder
 * @param {number} seconds
 * @returns {import('./tally.js').Outcome}
 */
function outcome(name, folder, seconds) {
  const status = Number(text(join(folder, 'status')))
  const output = text(join(folder, 'output'))
  if (!name.endsWith('.rs')) {
    const ended = { code: status, how: how(status), output, seconds }
    return judge(name, ended, events(join(folder, 'report')))
  }
  const program = testProgram(name, output)
  if (status === 0 || program.failed > 0) return program
  return { ...program, failed: 1, trouble: `${output}\n${name} ${how(status)}` }
}

/** @param {number} seconds */
function one(seconds) {
  return `${seconds.toFixed(1)} s`
}

/**
 * A shell's exit status in words.
 *
 * @param {number} status
 */
function how(status) {
  const signal = Object.entries(constants.signals).find(([, number]) => status === 128 + number)
  return signal === undefined ? `ended with exit code ${status}` : `was ended by ${signal[0]}`
}

/** @param {string} path */
function text(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/**
 * Whether a file is there and is not being written only now.
 *
 * @param {string} path
 */
function filled(path) {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}
