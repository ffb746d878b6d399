//! Connect; submit and reap.

use crate::calls::{Shared, counted, function, violation};
use crate::error::{self, Coded};
use crate::line::Line;
use crate::{FEATURES, memory, number};
use core::cell::{Ref, RefCell};
use napi::Env;
use napi::bindgen_prelude::{Function, Uint8Array, Unknown};
use napi_derive::napi;
use sgring_shm::handshake::{Hello, PROTOCOL_VERSION, RECORD_BYTES, Refusal, Welcome};
use sgring_shm::socket::{connect, peer_credentials, send_with_descriptor};
use sgring_shm::{Bell, Mapping, PeerCredentials, PeerProcess, ShmError, memfd};
use sgring_task::{Geometry, Initiator};
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// What a pair is made with.
#[napi(object)]
pub struct ConnectOptions {
    /// The target's socket.
    pub path: String,
    /// 1 to 4096.
    pub slots: u32,
    /// Whole pages of 4096 bytes, below 2 GiB.
    pub arena_bytes: u32,
    /// Users that the target may run as.
    pub allowed_uids: Vec<u32>,
    /// 16 bytes that name the nexus to join, or zeros.
    pub token: Uint8Array,
    /// Protocol version to speak; only tests choose.
    pub version: Option<u32>,
    /// Features to require; only tests choose.
    pub required_features: Option<u32>,
    /// Epoch to begin with; only tests choose.
    pub epoch: Option<u32>,
}

/// What a pair is handed to another target with.
#[napi(object)]
pub struct ReattachOptions {
    /// The target's socket.
    pub path: String,
    /// Users that the target may run as.
    pub allowed_uids: Vec<u32>,
    /// The nexus's.
    pub token: Uint8Array,
    /// The pair's number in it.
    pub pair: u32,
}

/// What the target answered.
#[napi(object)]
pub struct WelcomeRecord {
    /// The target's protocol version.
    pub version: u32,
    /// 0, or why the target refused: a code of `ts/errors.ts` without its prefix in `refusal`.
    pub code: u32,
    /// See `code`; empty with code 0.
    pub refusal: String,
    /// The features that the target knows, low 32 bits.
    pub features: u32,
    /// Number of the nexus.
    pub nexus: u32,
    /// Number of the pair in it.
    pub pair: u32,
    /// 16 bytes with which others join the nexus.
    pub token: Uint8Array,
}

/// The initiator's end of a pair. A connection to another process ends with it, and with its thread, also where the socket was taken; one to an engine
/// of this process when that hangs up.
#[napi]
pub struct InitiatorPair {
    // First: the peer hears of the end before the segment is unmapped. The pair has a bell of its own. `None` once it is closed, and where the
    // other end hangs up by itself.
    line: Option<Line>,
    pair: Shared<Option<Initiator>>,
    geometry: Geometry,
    socket: Option<OwnedFd>,
    peer_pid: u32,
    // Kept for the next target. `None` where that is a thread of this process.
    segment: Option<Segment>,
}

/// What is called for each batch.
#[napi(object, object_from_js = false)]
pub struct InitiatorCalls<'env> {
    /// Publishes the first `count` slots of the desk. 0, or the violation's number.
    pub submit: Function<'env, u32, u32>,
    /// Takes the completions that are there, and arms if there are none and the argument says so. Their number, or minus the violation's.
    pub reap: Function<'env, bool, i32>,
}

/// What a pair is handed over with, again and again.
struct Segment {
    file: OwnedFd,
    hello: Hello,
    holder: Holder,
    /// The holder has said that it does not take it: it may be asked again, and nobody else before it is gone.
    declined: bool,
    pid: libc::pid_t,
    /// Whose process it was, and every next one's is to be.
    uid: u32,
}

impl Segment {
    /// Whether a target's process may have it, once it is its turn.
    fn is_free_for(&self, pid: libc::pid_t) -> bool {
        self.holder.is_gone() || (self.declined && self.pid == pid)
    }
}

/// Whom a segment was handed to.
enum Holder {
    Process(PeerProcess),
    /// It was gone before it could be looked at, or has let go of it.
    Gone,
    /// It cannot be looked at: nobody can say that it is gone.
    Unseen,
}

impl Holder {
    fn of(socket: &OwnedFd) -> Result<Self, ShmError> {
        match PeerProcess::of(socket.as_fd()) {
            Ok(process) => Ok(Self::Process(process)),
            Err(ShmError::System { source, .. }) if source.raw_os_error() == Some(libc::ESRCH) => {
                Ok(Self::Gone)
            }
            Err(error) => Err(error),
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Process(process) => process.is_gone(),
            Self::Gone => true,
            Self::Unseen => false,
        }
    }
}

/// Makes a segment, connects and says hello. The answer comes on the socket: see `decode_welcome`.
#[napi(catch_unwind)]
pub fn connect_pair(options: ConnectOptions) -> Result<InitiatorPair, Coded> {
    let geometry = Geometry::new(options.slots, options.arena_bytes)
        .ok_or_else(|| error::argument("slots or arenaBytes out of range"))?;
    let token = token_of(&options.token)?;
    let (socket, peer) = connect_to(&options.path, &options.allowed_uids)?;
    let segment = memfd::create(geometry.segment_bytes() as u64).map_err(error::shm)?;
    let mapping =
        Mapping::map(segment.as_fd(), geometry.segment_bytes() as u64).map_err(error::shm)?;
    mapping.advise_huge(geometry.arena_offset()..geometry.segment_bytes());
    let hello = Hello {
        version: options.version.unwrap_or(PROTOCOL_VERSION),
        slots: options.slots,
        required_features: u64::from(options.required_features.unwrap_or(0)),
        arena_bytes: options.arena_bytes,
        epoch: options.epoch.unwrap_or(1),
        token,
        returning: None,
    };
    let holder = Holder::of(&socket).unwrap_or(Holder::Unseen);
    let bell = Bell::new(socket.as_fd()).map_err(error::shm)?;
    let line = Line::new(Bell::new(socket.as_fd()).map_err(error::shm)?);
    let mut pair = Initiator::new(
        Arc::new(mapping),
        geometry,
        hello.required_features,
        hello.epoch,
        bell,
    );
    pair.keep();
    // Last: from here on the target may map the segment and look at its header. One that hung up already has said why.
    match send_with_descriptor(socket.as_fd(), &hello.encode(), segment.as_fd()) {
        Ok(_) | Err(ShmError::HungUp) => {}
        Err(error) => return Err(error::shm(error)),
    }
    Ok(InitiatorPair {
        pair: Rc::new(RefCell::new(Some(pair))),
        geometry,
        line: Some(line),
        socket: Some(socket),
        peer_pid: peer.pid as u32,
        segment: Some(Segment {
            file: segment,
            hello,
            holder,
            declined: false,
            pid: peer.pid,
            uid: peer.uid,
        }),
    })
}

/// A connection to the target at `path`, if it runs as one of these users.
fn connect_to(path: &str, allowed_uids: &[u32]) -> Result<(OwnedFd, PeerCredentials), Coded> {
    let socket = connect(Path::new(path)).map_err(|error| error::shm_at(path, error))?;
    let peer = peer_credentials(socket.as_fd()).map_err(error::shm)?;
    if allowed_uids.contains(&peer.uid) {
        return Ok((socket, peer));
    }
    let message = format!("{path} is served by user {}, who is not allowed", peer.uid);
    Err(Coded::new("PEER_NOT_ALLOWED", message))
}

fn token_of(bytes: &Uint8Array) -> Result<[u8; 16], Coded> {
    <[u8; 16]>::try_from(bytes.as_ref()).map_err(|_| error::argument("a join token has 16 bytes"))
}

/// Reads the 64 bytes that a target answers first.
#[napi(catch_unwind)]
pub fn decode_welcome(bytes: Uint8Array) -> Result<WelcomeRecord, Coded> {
    let record = <&[u8; RECORD_BYTES]>::try_from(bytes.as_ref())
        .map_err(|_| error::argument("a welcome has 64 bytes"))?;
    let welcome = Welcome::decode(record).map_err(error::shm)?;
    let refusal = match welcome.code {
        0 => "",
        code => Refusal::from_code(code).map_or("HANDSHAKE", Refusal::code),
    };
    Ok(WelcomeRecord {
        version: welcome.version,
        code: welcome.code,
        refusal: refusal.to_owned(),
        features: (welcome.features & u64::from(u32::MAX)) as u32,
        nexus: welcome.nexus,
        pair: welcome.pair.number(),
        token: Uint8Array::new(welcome.token.to_vec()),
    })
}

#[napi]
impl InitiatorPair {
    /// Hands the connected, non-blocking socket over: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_socket(&mut self) -> i32 {
        self.socket.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// The process that serves the socket.
    #[napi(getter, catch_unwind)]
    pub fn peer_pid(&self) -> u32 {
        self.peer_pid
    }

    /// The lists of slots to submit and of completions (`sgring_task::Initiator`).
    #[napi(catch_unwind)]
    pub fn desk<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        memory::desk(env, self.pair()?.desk())
    }

    /// All slots, in place.
    #[napi(catch_unwind)]
    pub fn slots<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        let geometry = self.geometry;
        let len = geometry.slots() * sgring_task::SLOT_BYTES;
        memory::part(env, self.pair()?.memory(), geometry.slots_offset(), len)
    }

    /// The whole arena, in place.
    #[napi(catch_unwind)]
    pub fn arena<'env>(&self, env: &'env Env) -> Result<Unknown<'env>, Coded> {
        memory::part(
            env,
            self.pair()?.memory(),
            self.geometry.arena_offset(),
            self.geometry.arena_bytes(),
        )
    }

    /// `len` bytes of the arena from `offset`, in place, in a buffer of their own that can be detached.
    #[napi(catch_unwind)]
    pub fn lease<'env>(
        &self,
        env: &'env Env,
        offset: u32,
        len: u32,
    ) -> Result<Unknown<'env>, Coded> {
        let (offset, len) = (offset as usize, len as usize);
        if offset + len > self.geometry.arena_bytes() {
            return Err(error::argument("beyond the arena"));
        }
        memory::part(
            env,
            self.pair()?.memory(),
            self.geometry.arena_offset() + offset,
            len,
        )
    }

    /// What is called for each batch.
    #[napi(catch_unwind)]
    pub fn calls<'env>(&self, env: &'env Env) -> Result<InitiatorCalls<'env>, Coded> {
        let (submitting, reaping) = (Rc::clone(&self.pair), Rc::clone(&self.pair));
        let submit = function(env, "submit", move |count: u32| {
            let mut pair = submitting.borrow_mut();
            Ok(violation(
                pair.as_mut().map(|pair| pair.submit(count as usize)),
            ))
        })?;
        let reap = function(env, "reap", move |arm: bool| {
            let mut pair = reaping.borrow_mut();
            Ok(counted(pair.as_mut().map(|pair| pair.reap(arm))))
        })?;
        Ok(InitiatorCalls { submit, reap })
    }

    /// Gives the memory under the whole pages of this part of the arena back. Bytes given back.
    #[napi(catch_unwind)]
    pub fn give_back(&self, offset: u32, len: u32) -> Result<u32, Coded> {
        let start = self.geometry.arena_offset() + offset as usize;
        let given = self.pair()?.memory().give_back(start..start + len as usize);
        given.map(|bytes| bytes as u32).map_err(error::shm)
    }

    /// Whether the segment may be handed to another target: the one that had it is gone, with all its threads, or has declined it.
    #[napi(catch_unwind)]
    pub fn is_free(&self) -> bool {
        self.segment
            .as_ref()
            .is_some_and(|segment| segment.declined || segment.holder.is_gone())
    }

    /// Whether anybody will ever be able to say that the target is gone. Else the segment cannot go to another one unless it is released.
    #[napi(getter, catch_unwind)]
    pub fn is_seen(&self) -> bool {
        let segment = self.segment.as_ref();
        segment.is_some_and(|segment| !matches!(segment.holder, Holder::Unseen))
    }

    /// The target has died: counts it against all that it had. How many of these go to no other one: they are the next that `reap` takes.
    #[napi(catch_unwind)]
    pub fn outlive(&mut self) -> u32 {
        let mut pair = self.pair.borrow_mut();
        pair.as_mut().map_or(0, |pair| pair.outlive() as u32)
    }

    /// The target has said that it has let go of the segment: another one may have it, whether that process lives or not.
    #[napi(catch_unwind)]
    pub fn released(&mut self) {
        if let Some(segment) = &mut self.segment {
            segment.holder = Holder::Gone;
        }
    }

    /// The target that was asked last has answered that it does not take the pair: it may be asked again.
    #[napi(catch_unwind)]
    pub fn declined(&mut self) {
        if let Some(segment) = &mut self.segment {
            segment.declined = true;
        }
    }

    /// After the target's end: connects to the one that serves `path` now, submits to it what was not completed, and hands it the segment
    /// with a hello that names the pair in its nexus. How many were submitted; the answer comes on a new socket, to be taken as the first
    /// was. If this throws, the target has nothing of it: the same may be tried again, though the segment may have new queues and a new
    /// epoch by then.
    #[napi(catch_unwind)]
    pub fn reattach(&mut self, options: ReattachOptions) -> Result<u32, Coded> {
        let token = token_of(&options.token)?;
        let number = number::pair(options.pair)?;
        let mut pair = self.pair.borrow_mut();
        let pair = pair.as_mut().ok_or_else(error::closed)?;
        let segment = self.segment.as_mut().ok_or_else(error::closed)?;
        let (socket, peer) = connect_to(&options.path, &options.allowed_uids)?;
        if peer.uid != segment.uid {
            let (now, first) = (peer.uid, segment.uid);
            let message = format!("{} is served by user {now} now, not {first}", options.path);
            return Err(Coded::new("PEER_NOT_ALLOWED", message));
        }
        if !segment.is_free_for(peer.pid) {
            let message = "the process that has the segment lives".to_owned();
            return Err(Coded::new("CONNECT", message));
        }
        // First: of one that cannot be looked at, nobody could ever say that it is gone.
        let holder = Holder::of(&socket).map_err(error::shm)?;
        let bell = Bell::new(socket.as_fd()).map_err(error::shm)?;
        let line = Line::new(Bell::new(socket.as_fd()).map_err(error::shm)?);
        let hello = &mut segment.hello;
        hello.epoch = hello.epoch.wrapping_add(1);
        hello.token = token;
        hello.returning = Some(number);
        let features = hello.required_features;
        // SAFETY: the segment's only other holder was the process that is gone, or that has told that it did not take it and is asked
        // again, checked above: whoever it is handed to is `holder` from then on.
        let count = unsafe { pair.resubmit(features, hello.epoch, bell) };
        match send_with_descriptor(socket.as_fd(), &hello.encode(), segment.file.as_fd()) {
            Ok(_) | Err(ShmError::HungUp) => {}
            Err(error) => return Err(error::shm(error)),
        }
        segment.holder = holder;
        segment.declined = false;
        segment.pid = peer.pid;
        self.line = Some(line);
        self.socket = Some(socket);
        self.peer_pid = peer.pid as u32;
        Ok(count as u32)
    }

    /// No other target will have the pair: nothing is kept for one.
    #[napi(catch_unwind)]
    pub fn keep_for_nobody(&mut self) {
        self.segment = None;
        if let Some(pair) = &mut *self.pair.borrow_mut() {
            pair.keep_nothing();
        }
    }

    /// Submits once more what an earlier target had begun, and of which its completion said that no more is known. 0, or the violation's
    /// number.
    #[napi(catch_unwind)]
    pub fn rerun(&mut self, slot: u32) -> u32 {
        let slot = u16::try_from(slot).unwrap_or(u16::MAX);
        let mut pair = self.pair.borrow_mut();
        violation(pair.as_mut().map(|pair| pair.rerun(slot)))
    }

    /// Ends the connection, which both sides' watchers see, and lets go of the segment; it stays mapped as long as a buffer of it
    /// is not detached.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.line = None;
        self.segment = None;
        self.pair.take();
    }
}

impl InitiatorPair {
    /// A pair whose target is a thread of this process, which is stopped in its own way and then hangs up.
    pub(crate) fn local(pair: Initiator, geometry: Geometry, socket: OwnedFd) -> Self {
        Self {
            pair: Rc::new(RefCell::new(Some(pair))),
            geometry,
            line: None,
            socket: Some(socket),
            peer_pid: std::process::id(),
            segment: None,
        }
    }

    fn pair(&self) -> Result<Ref<'_, Initiator>, Coded> {
        Ref::filter_map(self.pair.borrow(), Option::as_ref).map_err(|_| error::closed())
    }
}

/// Detaches a buffer that `lease` gave: every view of it has length 0 from now on.
#[napi(catch_unwind)]
pub fn detach(env: &Env, buffer: Unknown) -> Result<(), Coded> {
    memory::detach(env, buffer)
}

/// What this build is: for messages and for `doctor`.
#[napi(object)]
pub struct Protocol {
    /// Protocol version.
    pub version: u32,
    /// Known features.
    pub features: u32,
}

/// The protocol that this build speaks.
#[napi(catch_unwind)]
pub fn protocol() -> Protocol {
    Protocol {
        version: PROTOCOL_VERSION,
        features: FEATURES as u32,
    }
}
