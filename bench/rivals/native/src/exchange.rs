//! Request and response, the same for every contestant: a request is a tag and a payload, a response is its tag.
//!
//! A client keeps `depth` requests under way, takes all responses that are there, and sends as many requests anew. A server takes all
//! requests that are there, has each payload in memory of its own, looks at both its ends, and answers. Responses come in the order
//! of the requests, each once. State is fresh for every sample.

use crate::fail;
use crate::place::{Far, Usage, pin, work_for};
use sgring_profile::Side;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// The requests' side. Whoever has it keeps at most `depth` requests under way.
pub(crate) trait Client {
    /// Lists a request; the payload is the caller's again when this returns. Tags are below [`START`], or one of the two marks.
    fn send(&mut self, tag: u64, payload: &[u8]);
    /// Sends what was listed.
    fn flush(&mut self) {}
    /// Takes all responses that are there. Where there is none, a side that sleeps waits for one, and any other says so at once.
    fn take(&mut self, response: impl FnMut(u64));
    /// System calls so far.
    fn calls(&self) -> u64 {
        0
    }
}

/// The responses' side.
pub(crate) trait Server {
    /// Takes all requests that are there, as [`Client::take`]; the payload is in memory of the server's own.
    fn take(&mut self, request: impl FnMut(u64, &[u8]));
    /// Lists a response: one for each request that was taken, in their order.
    fn answer(&mut self, tag: u64);
    /// Sends what was listed.
    fn flush(&mut self) {}
    /// System calls so far.
    fn calls(&self) -> u64 {
        0
    }
}

/// Makes a side on the thread that will use it.
pub(crate) type Maker<T> = Box<dyn FnOnce() -> T + Send>;

/// A server's thread, and the clients that it serves: through an end for each of them, or through one for all.
pub(crate) struct Group<C, S> {
    pub(crate) clients: Vec<Maker<C>>,
    pub(crate) servers: Vec<Maker<S>>,
}

/// A group with a connection for each client.
pub(crate) fn each<C: Send + 'static, S: Send + 'static>(
    setting: &Setting,
    mut connection: impl FnMut(&Setting) -> (C, S),
) -> Group<C, S> {
    let makers = |_| {
        let (client, server) = connection(setting);
        let client: Maker<C> = Box::new(move || client);
        let server: Maker<S> = Box::new(move || server);
        (client, server)
    };
    let (clients, servers) = (0..setting.producers).map(makers).unzip();
    Group { clients, servers }
}

/// What is exchanged, and where.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// CPUs that threads are kept on, in turns: the first client's, its server's, then all others.
    pub(crate) cpus: Vec<usize>,
    /// Bytes of a request, beside its tag.
    pub(crate) payload: usize,
    /// Requests that a client has under way.
    pub(crate) depth: usize,
    /// Servers are processes of their own, and not only threads.
    pub(crate) process: bool,
    /// Whoever finds nothing sleeps, and does not spin.
    pub(crate) sleep: bool,
    /// Clients of one server.
    pub(crate) producers: usize,
    /// Servers.
    pub(crate) pairs: usize,
    /// What a client does beside each response, in nanoseconds.
    pub(crate) client_ns: u64,
    /// What a server does for each request, in nanoseconds.
    pub(crate) server_ns: u64,
}

impl Setting {
    /// Threads that run at once.
    pub(crate) fn threads(&self) -> usize {
        self.pairs * (self.producers + 1)
    }

    /// More of them than CPUs: then whoever spins lets others run.
    fn crowded(&self) -> bool {
        self.threads() > self.cpus.len()
    }

    fn cpu(&self, thread: usize) -> usize {
        self.cpus[thread % self.cpus.len()]
    }
}

/// What `count` requests took.
#[derive(Debug)]
pub(crate) struct Sample {
    /// From the first request to the last response.
    pub(crate) took: Duration,
    /// Of all sides in that time.
    pub(crate) usage: Usage,
}

/// Requests, or time, before the clock starts: the other side has arrived by then, and has looked at every byte.
const WARM: u64 = 1000;
const WARM_TIME: Duration = Duration::from_millis(5);
/// A request that says that the clock starts. Tags of others are below it.
pub(crate) const START: u64 = 1 << 40;
/// The last request.
const END: u64 = START + 1;
/// What a payload is full of, but for its ends.
const FILLING: u8 = 0x5a;

/// `count` requests of all clients together through connections made anew.
pub(crate) fn run<C: Client + 'static, S: Server + 'static>(
    setting: &Setting,
    count: usize,
    mut group: impl FnMut(&Setting) -> Group<C, S>,
) -> Sample {
    let clients = setting.pairs * setting.producers;
    let barrier = Barrier::new(clients);
    let (mut far, mut near) = (Vec::new(), Vec::new());
    // All servers before any client: a process that has threads is not forked.
    for first in (0..setting.pairs).map(|pair| pair * (setting.producers + 1)) {
        let Group { clients, servers } = group(setting);
        let (cpu, for_server) = (setting.cpu(first + 1), setting.clone());
        far.push(Far::start(setting.process, move || {
            pin(cpu);
            serve(servers, &for_server)
        }));
        let places = (0..).map(|index| first + if index == 0 { 0 } else { index + 1 });
        near.extend(clients.into_iter().zip(places));
    }
    let spans: Vec<Span> = thread::scope(|scope| {
        let started = near.into_iter().enumerate().map(|(index, (make, place))| {
            let share = count / clients + usize::from(index < count % clients);
            let barrier = &barrier;
            scope.spawn(move || {
                pin(setting.cpu(place));
                let _watched = sgring_profile::watch(Side::Initiator);
                use_client(make(), setting, share as u64, barrier)
            })
        });
        let started: Vec<_> = started.collect();
        let ended = started.into_iter().map(|client| client.join());
        ended
            .map(|span| span.unwrap_or_else(|_| fail("a client panicked")))
            .collect()
    });
    let usage = far.into_iter().map(Far::end);
    let usage = usage.chain(spans.iter().map(|span| span.usage));
    let (Some(started), Some(ended)) = (
        spans.iter().map(|span| span.started).min(),
        spans.iter().map(|span| span.ended).max(),
    ) else {
        fail("nobody is there to ask");
    };
    Sample {
        took: ended - started,
        usage: usage.fold(Usage::default(), Usage::and),
    }
}

/// What a client did.
struct Span {
    started: Instant,
    ended: Instant,
    usage: Usage,
}

fn use_client(mut client: impl Client, setting: &Setting, count: u64, barrier: &Barrier) -> Span {
    let mut payload = vec![FILLING; setting.payload];
    let mut warmed = 0;
    let arrived = Instant::now();
    while warmed == 0 || warmed < WARM && arrived.elapsed() < WARM_TIME {
        let more = setting.depth as u64;
        ask(&mut client, &mut payload, setting, warmed..warmed + more);
        warmed += more;
    }
    mark(&mut client, setting, START);
    barrier.wait();
    let before = Usage::of_this_thread(client.calls());
    let started = Instant::now();
    ask(&mut client, &mut payload, setting, warmed..warmed + count);
    let ended = Instant::now();
    let usage = Usage::of_this_thread(client.calls()).since(before);
    mark(&mut client, setting, END);
    Span {
        started,
        ended,
        usage,
    }
}

/// Sends a request for each tag, and takes its response.
fn ask(
    client: &mut impl Client,
    payload: &mut [u8],
    setting: &Setting,
    tags: core::ops::Range<u64>,
) {
    let depth = setting.depth as u64;
    let mut idle = Idle::new(setting);
    let (mut next, mut expected) = (tags.start, tags.start);
    while expected < tags.end {
        let until = tags.end.min(expected + depth);
        if next < until {
            for tag in next..until {
                write_ends(payload, tag);
                client.send(tag, payload);
            }
            client.flush();
            next = until;
        }
        let before = expected;
        client.take(|tag| {
            if tag != expected || tag >= next {
                fail(format_args!("response {tag} came instead of {expected}"));
            }
            expected += 1;
            work_for(setting.client_ns);
        });
        idle.looked(expected > before);
    }
}

/// Sends a request by itself, and waits for its response.
fn mark(client: &mut impl Client, setting: &Setting, wanted: u64) {
    let mut idle = Idle::new(setting);
    let mut came = false;
    client.send(wanted, &[]);
    client.flush();
    while !came {
        client.take(|tag| {
            if tag != wanted || came {
                fail(format_args!("response {tag} came instead of {wanted}"));
            }
            came = true;
        });
        idle.looked(came);
    }
}

/// Serves until every client has sent its last request.
fn serve<S: Server>(makers: Vec<Maker<S>>, setting: &Setting) -> Usage {
    let mut ends: Vec<S> = makers.into_iter().map(|make| make()).collect();
    let now = |ends: &[S]| Usage::of_this_thread(ends.iter().map(S::calls).sum());
    let mut tags = Vec::with_capacity(setting.depth * setting.producers);
    let mut idle = Idle::new(setting);
    let (mut started, mut ended) = (None, None);
    // Clients behind each end.
    let mut left = vec![setting.producers / ends.len(); ends.len()];
    while left.iter().any(|&clients| clients > 0) {
        let mut some = false;
        for index in 0..ends.len() {
            if left[index] == 0 {
                continue;
            }
            let mut marks = false;
            ends[index].take(|tag, payload| {
                if tag < START {
                    check(payload, tag, setting.payload, started.is_none());
                    work_for(setting.server_ns);
                } else {
                    marks = true;
                }
                tags.push(tag);
            });
            if tags.is_empty() {
                continue;
            }
            some = true;
            if marks {
                let has = |mark| tags.contains(&mark);
                if started.is_none() && has(START) {
                    started = Some(now(&ends));
                }
                if ended.is_none() && has(END) {
                    ended = Some(now(&ends));
                }
                left[index] -= tags.iter().filter(|&&tag| tag == END).count();
            }
            for tag in tags.drain(..) {
                ends[index].answer(tag);
            }
            ends[index].flush();
        }
        idle.looked(some);
    }
    match (started, ended) {
        (Some(started), Some(ended)) => ended.since(started),
        _ => fail("a client ended that had not started"),
    }
}

/// What a side does that found nothing: it looks again, but where its peer may wait for its CPU.
struct Idle {
    crowded: bool,
    looks: u32,
}

impl Idle {
    /// Looks in vain before a side gives its CPU to others.
    const PATIENCE: u32 = 64;

    fn new(setting: &Setting) -> Self {
        Self {
            crowded: setting.crowded(),
            looks: 0,
        }
    }

    fn looked(&mut self, found: bool) {
        self.looks = if found { 0 } else { self.looks.wrapping_add(1) };
        if self.crowded && self.looks > Self::PATIENCE {
            thread::yield_now();
        }
    }
}

/// Both ends of a payload say whose it is; of a short one, which they share, the second.
fn write_ends(payload: &mut [u8], tag: u64) {
    if let Some(first) = payload.first_chunk_mut() {
        *first = tag.to_le_bytes();
    }
    if let Some(last) = payload.last_chunk_mut() {
        *last = tag.to_le_bytes();
    }
}

fn check(payload: &[u8], tag: u64, len: usize, whole: bool) {
    let ends = tag.to_le_bytes();
    let right = (payload.len() < 16 || payload.first_chunk() == Some(&ends))
        && payload.last_chunk().is_none_or(|last| *last == ends)
        && (!whole || filled(payload));
    if payload.len() != len || !right {
        fail(format_args!(
            "request {tag} came with {} bytes that are not its own",
            payload.len()
        ));
    }
}

/// Whether all between the ends is what it was.
fn filled(payload: &[u8]) -> bool {
    let between = payload.get(8..payload.len().saturating_sub(8));
    between.is_none_or(|bytes| bytes.iter().all(|&byte| byte == FILLING))
}
