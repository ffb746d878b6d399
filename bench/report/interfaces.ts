/** Who is who: one colour and one mark for each interface, the same in every picture. */

/** In the light scheme and on paper, and in the dark one. */
export interface Colour {
  readonly light: string
  readonly dark: string
}

/**
 * Fourteen that are told apart in both schemes by people of every colour vision: at least 0.06 in Oklab between any two, seen normally
 * and under simulated protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes 2009), and 3:1 from the background (WCAG 1.4.11).
 */
export const COLOURS: readonly Colour[] = [
  { light: '#009faf', dark: '#9bf3ff' },
  { light: '#005767', dark: '#00a9c7' },
  { light: '#1f67e4', dark: '#9ec2ff' },
  { light: '#340c82', dark: '#7361d5' },
  { light: '#6119b9', dark: '#a780ff' },
  { light: '#9d1265', dark: '#f76eb3' },
  { light: '#a0504e', dark: '#f8a09b' },
  { light: '#5f000d', dark: '#d60e2d' },
  { light: '#af7f6b', dark: '#ffd6c6' },
  { light: '#584f00', dark: '#a69b43' },
  { light: '#7d7700', dark: '#d3ca34' },
  { light: '#72a310', dark: '#c5fb7b' },
  { light: '#4f0051', dark: '#aa3bac' },
  { light: '#4e313d', dark: '#997684' },
]

export const BACKGROUND: Colour = { light: '#ffffff', dark: '#16181d' }

export const MARKS = ['circle', 'square', 'diamond', 'triangle', 'cross'] as const
export type Mark = (typeof MARKS)[number]

/** How a contestant looks, wherever it is shown. */
export interface Look {
  /** An index of `COLOURS`; a limit has none, and is dashed. */
  readonly colour: number | 'limit'
  readonly mark: Mark
  readonly what?: string
  /** Whether it is sgring's own. */
  readonly ours?: boolean
}

const LIMIT = 'limit'

/** By the contestant's name. Kin have one colour where they never share a picture. */
export const LOOKS: Readonly<Record<string, Look>> = {
  promise: ours(2, 'circle', 'sgring: execute(), a promise a command'),
  batch: ours(11, 'square', 'sgring: queue() and drain(), no promise a command'),
  ring: ours(2, 'diamond', 'sgring: its ring, with both sides native or one'),
  sgring: ours(2, 'triangle', 'sgring: native, or the command line'),
  entries: ours(0, 'circle', "a ring whose entries publish themselves, which is sgring's"),
  ready: ours(2, 'cross', 'TEST UNIT READY by execute()'),
  abort: ours(5, 'cross', 'a command that hangs, from abort() to its rejection'),
  alone: ours(2, 'square', 'execute(), with nothing that hangs'),
  beside: ours(5, 'square', 'execute(), beside commands that hang'),
  read10: ours(11, 'circle', 'read10(): the CDB of a READ(10)'),
  'parse-sense': ours(0, 'square', 'parseSense()'),
  net: { colour: 6, mark: 'circle', what: 'records over net on a Unix socket, writes coalesced' },
  'net-native': { colour: 4, mark: 'circle', what: 'records over net to native code' },
  'net-plain': { colour: 13, mark: 'circle', what: 'the same with one write a command' },
  worker: { colour: 5, mark: 'circle', what: 'messages to a worker thread' },
  sab: { colour: 1, mark: 'circle', what: 'ringbuf.js on a SharedArrayBuffer' },
  ipc: { colour: 7, mark: 'circle', what: 'messages to a child process' },
  fifo: { colour: 8, mark: 'square', what: 'fs.write() and fs.read() on FIFOs' },
  call: { colour: 10, mark: 'diamond', what: 'a plain N-API call a command' },
  calls: {
    colour: 3,
    mark: 'diamond',
    what: "sgring's ring with an N-API call for each submission and completion",
  },
  tsfn: { colour: 12, mark: 'triangle', what: "a thread-safe function's call for each completion" },
  work: { colour: 9, mark: 'diamond', what: 'a napi_async_work for each command' },
  counters: { colour: 1, mark: 'square', what: 'a ring of two shared counters' },
  'shared-tail': { colour: 3, mark: 'triangle', what: 'a ring with many producers on one tail' },
  rtrb: { colour: 10, mark: 'circle', what: 'rtrb, written one entry at a time' },
  'rtrb-chunks': { colour: 9, mark: 'square', what: 'rtrb, in chunks' },
  crossbeam: { colour: 5, mark: 'diamond', what: "crossbeam-queue's ArrayQueue" },
  iceoryx2: { colour: 7, mark: 'triangle', what: 'iceoryx2, request and response' },
  eventfd: { colour: 13, mark: 'square', what: 'shared memory, and an eventfd for each turn' },
  pipe: { colour: 8, mark: 'circle', what: 'two pipes' },
  stream: { colour: 6, mark: 'square', what: 'a Unix stream socket' },
  seqpacket: { colour: 4, mark: 'diamond', what: 'a Unix seqpacket socket' },
  mqueue: { colour: 11, mark: 'triangle', what: 'POSIX message queues' },
  'msg-ring': { colour: 12, mark: 'cross', what: 'io_uring: MSG_RING' },
  io_uring: { colour: 0, mark: 'diamond', what: "io_uring: the kernel's SCSI commands" },
  sg: { colour: 10, mark: 'square', what: 'write() and read() on an sg node' },
  ioctl: { colour: 9, mark: 'cross', what: 'a blocking ioctl' },
  pool: { colour: 5, mark: 'triangle', what: 'blocking ioctls on a pool of threads' },
  'turs-bsg': { colour: 13, mark: 'triangle', what: 'sg_turs on a bsg node' },
  'turs-sg': { colour: 7, mark: 'square', what: 'sg_turs on an sg node' },
  fio: { colour: 4, mark: 'square', what: 'fio, its engine sg' },
  sg_dd: { colour: 12, mark: 'square', what: 'sg_dd' },
  device: { colour: LIMIT, mark: 'circle', what: 'limit: what the device takes by itself' },
  'ping-pong': { colour: LIMIT, mark: 'cross', what: 'limit: a word there and a word back' },
  memcpy: { colour: LIMIT, mark: 'square', what: "limit: one thread's memcpy" },
  fionread: { colour: LIMIT, mark: 'diamond', what: 'limit: one call into the kernel' },
  nop: { colour: LIMIT, mark: 'triangle', what: 'limit: io_uring: a NOP, submitted and reaped' },
}

function ours(colour: number, mark: Mark, what: string): Look {
  return { colour, mark, what, ours: true }
}

/** The looks that nobody has been given. */
const FREE: readonly Look[] = COLOURS.flatMap((_, colour) =>
  MARKS.map((mark): Look => ({ colour, mark })),
).filter((look) =>
  Object.values(LOOKS).every(({ colour, mark }) => colour !== look.colour || mark !== look.mark),
)

/** A contestant nobody has chosen a look for has one by its name, in every report the same. */
export function lookOf(name: string): Look {
  const chosen = Object.hasOwn(LOOKS, name) ? LOOKS[name] : undefined
  if (chosen !== undefined) return chosen
  const hash = [...name].reduce(
    (sum, letter) => (Math.imul(sum, 31) + letter.codePointAt(0)!) >>> 0,
    7,
  )
  return FREE[hash % FREE.length]!
}

/** Whether it is known to be somebody else's, or a limit. */
export function isRival(name: string): boolean {
  return Object.hasOwn(LOOKS, name) && LOOKS[name]?.ours !== true
}

/** The colour as a style sheet's variable, which differs by scheme. */
export function paint({ colour }: Look): string {
  return `var(--${colour === LIMIT ? LIMIT : `c${colour}`})`
}

export function isLimit({ colour }: Look): boolean {
  return colour === LIMIT
}
