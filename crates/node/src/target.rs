//! Fetch, data, complete.

use crate::calls::{Shared, counted, function, violation};
use crate::error::{self, Coded};
use crate::line::Line;
use crate::store::{Io, IoPool};
use crate::{FEATURES, memory, number};
use core::cell::Ref;
use napi::Env;
use napi::bindgen_prelude::{Function, Uint8Array, Unknown};
use napi_derive::napi;
use sgring_shm::handshake::{FEATURE_RETURNS, PROTOCOL_VERSION, Refusal, Welcome};
use sgring_shm::{Arrival, Bell, Farewell, Grant, KeptFile, ShmError};
use sgring_store::Span;
use sgring_task::{Desk, Direction, Geometry, Ledger, Target, transfer};
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};

/// A connection that has passed the checks, and when it was welcomed the target's end of a pair. The connection ends with it, and with its thread, also
/// where the socket was taken.
#[napi]
pub struct TargetPair {
    arrival: Option<Arrival>,
    served: Shared<Option<Served>>,
}

/// What is called for each batch.
#[napi(object, object_from_js = false)]
pub struct TargetCalls<'env> {
    /// Takes the submissions that are there, and arms if there are none and the argument says so. Their number, or minus the violation's.
    pub fetch: Function<'env, bool, i32>,
    /// Publishes the first `count` completions of the desk. 0, or the violation's number.
    pub complete: Function<'env, u32, u32>,
    /// Starts the first `count` transfers of the list; those that are over at once have their errno in place, the others -1, and are
    /// reported by the pool.
    pub transfer: Function<'env, u32, ()>,
}

struct Served {
    // First: the peer hears of the end before the segment is unmapped.
    line: Line,
    pair: Target,
    socket: Option<OwnedFd>,
    transfers: Arc<Desk>,
    io: Arc<RwLock<Option<Io>>>,
    /// What the pool calls this pair.
    number: u32,
    kept: Option<Arc<KeptFile>>,
}

/// Who is there, and what it asked for.
#[napi(object)]
pub struct ArrivalRecord {
    /// The peer's process.
    pub pid: u32,
    /// The peer's user.
    pub uid: u32,
    /// It may only read.
    pub read_only: bool,
    /// Slots of the pair.
    pub slots: u32,
    /// Bytes of its arena.
    pub arena_bytes: u32,
    /// 16 bytes: the nexus to join, or zeros.
    pub token: Uint8Array,
    /// The pair's number in that nexus with an earlier target, which died; -1 for a new one.
    pub returning: i32,
}

/// Where a pair's ledger is.
#[napi(object)]
pub struct LedgerRecord {
    /// The file: made for a new pair, and found for one that returns.
    pub path: String,
    /// As of which change of the units a new pair's tasks are; none for one that returns, whose ledger says that.
    pub units: Option<u32>,
}

impl TargetPair {
    pub(crate) fn new(arrival: Arrival) -> Self {
        Self {
            arrival: Some(arrival),
            served: Shared::default(),
        }
    }

    fn served(&self) -> Result<Ref<'_, Served>, Coded> {
        Ref::filter_map(self.served.borrow(), Option::as_ref).map_err(|_| error::closed())
    }
}

#[napi]
impl TargetPair {
    /// Who is there. `null` once it was welcomed or refused.
    #[napi(catch_unwind)]
    pub fn arrival(&self) -> Option<ArrivalRecord> {
        let Arrival {
            hello, peer, grant, ..
        } = self.arrival.as_ref()?;
        Some(ArrivalRecord {
            pid: peer.pid as u32,
            uid: peer.uid,
            read_only: *grant == Grant::ReadOnly,
            slots: hello.slots,
            arena_bytes: hello.arena_bytes,
            token: Uint8Array::new(hello.token.to_vec()),
            returning: hello.returning.map_or(-1, |pair| pair.number() as i32),
        })
    }

    /// Lets the peer in. `false` if its segment's header does not say what it said itself, or its ledger is none, or it is gone: then it
    /// was refused.
    #[napi(catch_unwind)]
    pub fn welcome(
        &mut self,
        nexus: u32,
        pair: u32,
        token: Uint8Array,
        ledger: Option<LedgerRecord>,
    ) -> Result<bool, Coded> {
        let token = <[u8; 16]>::try_from(token.as_ref())
            .map_err(|_| error::argument("a join token has 16 bytes"))?;
        let pair = number::pair(pair)?;
        let arrival = self.arrival.take().ok_or_else(error::closed)?;
        let admitted = match Admitted::new(&arrival, ledger) {
            Ok(Ok(admitted)) => admitted,
            Ok(Err(refusal)) => {
                arrival.refuse(refusal);
                return Ok(false);
            }
            Err(error) => {
                // Who hears that may try again.
                arrival.refuse(Refusal::Limit);
                return Err(error);
            }
        };
        let welcome = Welcome {
            version: PROTOCOL_VERSION,
            code: 0,
            features: admitted.features,
            nexus,
            pair,
            token,
        };
        if arrival.welcome(&welcome).is_err() {
            return Ok(false);
        }
        *self.served.borrow_mut() = Some(Served {
            line: Line::new(admitted.hang_up),
            pair: admitted.pair,
            socket: Some(arrival.socket),
            transfers: admitted.transfers,
            io: Arc::default(),
            number: 0,
            kept: admitted.kept,
        });
        Ok(true)
    }

    /// The ledger, in place: JavaScript marks there what it begins (`sgring_task::Ledger`). `null` if there is none.
    #[napi(catch_unwind)]
    pub fn ledger<'env>(&self, env: &'env Env) -> Result<Option<Unknown<'env>>, Coded> {
        let served = self.served()?;
        let kept = served.kept.as_ref();
        kept.map(|kept| memory::kept(env, kept)).transpose()
    }

    /// Turns the peer away: 5 too many, 6 no such nexus, 8 closing (`sgring_shm::Refusal`).
    #[napi(catch_unwind)]
    pub fn refuse(&mut self, code: u32) {
        let refusal = Refusal::from_code(code).unwrap_or(Refusal::Closing);
        if let Some(arrival) = self.arrival.take() {
            arrival.refuse(refusal);
        }
    }

    /// Hands the connected, non-blocking socket over: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_socket(&mut self) -> i32 {
        let mut served = self.served.borrow_mut();
        let socket = served.as_mut().and_then(|served| served.socket.take());
        socket.map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// The records, and the lists of fetched slots and of completions (`sgring_task::Target`).
    #[napi(catch_unwind)]
    pub fn desk<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        memory::desk(env, self.served()?.pair.desk())
    }

    /// The list of transfers (`sgring_task::transfer`).
    #[napi(catch_unwind)]
    pub fn transfers<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        memory::desk(env, &self.served()?.transfers)
    }

    /// What is called for each batch.
    #[napi(catch_unwind)]
    pub fn calls<'env>(&self, env: &'env Env) -> Result<TargetCalls<'env>, Coded> {
        let [fetching, completing, transferring] = [(); 3].map(|()| Rc::clone(&self.served));
        let fetch = function(env, "fetch", move |arm: bool| {
            let mut served = fetching.borrow_mut();
            Ok(counted(
                served.as_mut().map(|served| served.pair.fetch(arm)),
            ))
        })?;
        let complete = function(env, "complete", move |count: u32| {
            let mut served = completing.borrow_mut();
            let served = served.as_mut();
            Ok(violation(
                served.map(|served| served.pair.complete(count as usize)),
            ))
        })?;
        let transfer = function(env, "transfer", move |count: u32| {
            let served = transferring.borrow();
            let served = served.as_ref().ok_or_else(error::closed);
            let started = served.and_then(|served| served.transfer(count as usize));
            started.map_err(|error| napi::Error::from_reason(error.reason.clone()))
        })?;
        Ok(TargetCalls {
            fetch,
            complete,
            transfer,
        })
    }

    /// Copies data-out of an accepted task from its start. Bytes copied: as many as there are, and room for.
    #[napi(catch_unwind)]
    pub fn read_out(&self, slot: u32, mut into: Uint8Array) -> Result<u32, Coded> {
        let served = self.served()?;
        // SAFETY: JavaScript runs on this thread and waits for this call; the buffer is its own heap's, not shared memory.
        let mut rest = unsafe { into.as_mut() };
        let room = rest.len();
        for span in spans(&served.pair, slot, Direction::Out, room as u64)? {
            let (part, behind) = rest.split_at_mut(span.len);
            // SAFETY: 1. The span is mapped, and `part` is as long. 2. The peer may change the bytes meanwhile: then they are
            // whatever they are, and only this copy is looked at.
            unsafe { part.as_mut_ptr().copy_from(span.ptr, span.len) };
            rest = behind;
        }
        Ok((room - rest.len()) as u32)
    }

    /// Copies bytes to data-in of an accepted task from its start. Bytes copied: as many as there are, and room for.
    #[napi(catch_unwind)]
    pub fn write_in(&self, slot: u32, from: Uint8Array) -> Result<u32, Coded> {
        let served = self.served()?;
        let mut rest = from.as_ref();
        for span in spans(&served.pair, slot, Direction::In, rest.len() as u64)? {
            let (part, behind) = rest.split_at(span.len);
            // SAFETY: 1. The span is mapped, and `part` is as long. 2. What the peer does to the bytes is its own harm.
            unsafe { span.ptr.copy_from(part.as_ptr(), span.len) };
            rest = behind;
        }
        Ok((from.len() - rest.len()) as u32)
    }

    /// Who moves this pair's bytes: its transfers are reported as `number` and their slot. Before the first `transfer`.
    #[napi(catch_unwind)]
    pub fn use_pool(&mut self, pool: &IoPool, number: u32) {
        if let Some(served) = &mut *self.served.borrow_mut() {
            served.io = pool.io();
            served.number = number;
        }
    }

    /// Whether the initiator has closed the connection, or died.
    #[napi(catch_unwind)]
    pub fn peer_has_left(&self) -> bool {
        self.served().is_ok_and(|served| served.line.is_hung_up())
    }

    /// Tells the initiator that the end which comes now is for good: it waits for no other target.
    #[napi(catch_unwind)]
    pub fn say_goodbye(&self) {
        if let Ok(served) = self.served() {
            served.line.say(Farewell::ForGood);
        }
    }

    /// As `close`, but the initiator may go on with another target at once: no thread works on the segment, which is let go of first.
    #[napi(catch_unwind)]
    pub fn release(&mut self) {
        // All the rest ends with this statement: ledger and segment are nobody's when the initiator hears of it.
        let Some(Served { line, .. }) = self.served.take() else {
            return;
        };
        line.say(Farewell::Released);
    }

    /// Ends the connection, which both sides' watchers see, and lets go of the segment as soon as no thread works on it.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.served.take();
    }
}

impl Served {
    fn transfer(&self, count: usize) -> Result<(), Coded> {
        let io = self.io.read().unwrap_or_else(PoisonError::into_inner);
        io.as_ref().ok_or_else(error::closed)?.start(
            self.number,
            &self.transfers,
            count,
            self.pair.memory(),
            |into, slot, direction, len| {
                into.extend(spans(&self.pair, slot, direction, len)?);
                Ok(())
            },
        );
        Ok(())
    }
}

/// What a welcome takes.
struct Admitted {
    pair: Target,
    hang_up: Bell,
    transfers: Arc<Desk>,
    features: u64,
    kept: Option<Arc<KeptFile>>,
}

impl Admitted {
    /// Or why it is not let in, which is the peer's doing; what this side lacks is an error.
    fn new(
        arrival: &Arrival,
        ledger: Option<LedgerRecord>,
    ) -> Result<Result<Self, Refusal>, Coded> {
        let hello = arrival.hello;
        let geometry = Geometry::new(hello.slots, hello.arena_bytes)
            .ok_or_else(|| error::argument("slots or arenaBytes out of range"))?;
        let bell = Bell::new(arrival.socket.as_fd()).map_err(error::shm)?;
        let hang_up = Bell::new(arrival.socket.as_fd()).map_err(error::shm)?;
        let memory = Arc::clone(&arrival.mapping);
        memory.advise_huge(geometry.arena_offset()..geometry.segment_bytes());
        let pair = Target::attach(memory, geometry, hello.required_features, hello.epoch, bell);
        let Some(pair) = pair else {
            return Ok(Err(Refusal::Segment));
        };
        let mut admitted = Self {
            pair,
            hang_up,
            transfers: Desk::new(transfer::BYTES * geometry.slots()),
            features: FEATURES,
            kept: None,
        };
        if let Some(LedgerRecord { path, units }) = ledger {
            let (path, user) = (Path::new(&path), arrival.peer.uid);
            let Some(found) = ledger_at(path, units, geometry, hello.epoch, user)? else {
                return Ok(Err(Refusal::Join));
            };
            admitted.kept = Some(Arc::clone(found.memory()));
            admitted.pair.keep(found, units.is_none());
            admitted.features |= FEATURE_RETURNS;
        }
        Ok(Ok(admitted))
    }
}

/// A new ledger, or the one that an earlier target has left. `None` if that is none of this pair.
fn ledger_at(
    path: &Path,
    units: Option<u32>,
    geometry: Geometry,
    epoch: u32,
    user: u32,
) -> Result<Option<Ledger>, Coded> {
    let (slots, len) = (geometry.slots(), Ledger::bytes(geometry.slots()));
    if let Some(units) = units {
        let file = KeptFile::create(path, len).map_err(error::shm)?;
        return Ok(Some(Ledger::new(Arc::new(file), slots, epoch, user, units)));
    }
    match KeptFile::open(path, len) {
        Ok(file) => Ok(Ledger::open(Arc::new(file), slots, epoch, user)),
        Err(ShmError::OutOfRange) => Ok(None),
        Err(error) => Err(error::shm(error)),
    }
}

/// The first `len` bytes of a task's data as spans of the arena, or all if there are fewer.
fn spans(
    pair: &Target,
    slot: u32,
    direction: Direction,
    len: u64,
) -> Result<impl Iterator<Item = Span>, Coded> {
    let segments = u16::try_from(slot)
        .ok()
        .and_then(|slot| pair.segments(slot, direction));
    let segments = segments.ok_or_else(|| error::argument("no accepted task in this slot"))?;
    let mut left = len;
    Ok(segments.iter().map_while(move |&segment| {
        let len = left.min(u64::from(segment.len));
        left -= len;
        let ptr = pair.place(segment);
        (len > 0).then_some(Span {
            ptr,
            len: len as usize,
        })
    }))
}
