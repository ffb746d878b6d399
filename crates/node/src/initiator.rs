//! Connect; submit and reap.

use crate::error::{self, Coded};
use crate::{FEATURES, memory};
use napi::Env;
use napi::bindgen_prelude::{Uint8Array, Unknown};
use napi_derive::napi;
use sgring_shm::handshake::{Hello, PROTOCOL_VERSION, RECORD_BYTES, Refusal, Welcome};
use sgring_shm::socket::{connect, peer_credentials, send_with_descriptor};
use sgring_shm::{Bell, Mapping, ShmError, memfd};
use sgring_task::{Geometry, Initiator};
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::path::Path;
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

/// The initiator's end of a pair.
#[napi]
pub struct InitiatorPair {
    pair: Option<Initiator>,
    geometry: Geometry,
    // Rings and hangs up; the pair has a bell of its own. `None` once it is closed, and where the other end hangs up by itself.
    hang_up: Option<Bell>,
    socket: Option<OwnedFd>,
    peer_pid: u32,
}

/// Makes a segment, connects and says hello. The answer comes on the socket: see `decode_welcome`.
#[napi(catch_unwind)]
pub fn connect_pair(options: ConnectOptions) -> Result<InitiatorPair, Coded> {
    let geometry = Geometry::new(options.slots, options.arena_bytes)
        .ok_or_else(|| error::argument("slots or arenaBytes out of range"))?;
    let token = <[u8; 16]>::try_from(options.token.as_ref())
        .map_err(|_| error::argument("a join token has 16 bytes"))?;
    let socket =
        connect(Path::new(&options.path)).map_err(|error| error::shm_at(&options.path, error))?;
    let peer = peer_credentials(socket.as_fd()).map_err(error::shm)?;
    if !options.allowed_uids.contains(&peer.uid) {
        let message = format!(
            "{} is served by user {}, who is not allowed",
            options.path, peer.uid
        );
        return Err(Coded::new("PEER_NOT_ALLOWED", message));
    }
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
    };
    let bell = Bell::new(socket.as_fd()).map_err(error::shm)?;
    let hang_up = Bell::new(socket.as_fd()).map_err(error::shm)?;
    let pair = Initiator::new(
        Arc::new(mapping),
        geometry,
        hello.required_features,
        hello.epoch,
        bell,
    );
    // Last: from here on the target may map the segment and look at its header. One that hung up already has said why.
    match send_with_descriptor(socket.as_fd(), &hello.encode(), segment.as_fd()) {
        Ok(_) | Err(ShmError::HungUp) => {}
        Err(error) => return Err(error::shm(error)),
    }
    Ok(InitiatorPair {
        pair: Some(pair),
        geometry,
        hang_up: Some(hang_up),
        socket: Some(socket),
        peer_pid: peer.pid as u32,
    })
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
        pair: welcome.pair,
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

    /// Publishes the first `count` slots of the desk. 0, or the violation's number.
    #[napi(catch_unwind)]
    pub fn submit(&mut self, count: u32) -> u32 {
        match self.pair.as_mut().map(|pair| pair.submit(count as usize)) {
            Some(Err(violation)) => u32::from(violation.number()),
            _ => 0,
        }
    }

    /// Takes the completions that are there, and arms if there are none and `arm`. Their number, or minus the violation's.
    #[napi(catch_unwind)]
    pub fn reap(&mut self, arm: bool) -> i32 {
        match self.pair.as_mut().map(|pair| pair.reap(arm)) {
            Some(Ok(count)) => count as i32,
            Some(Err(violation)) => -i32::from(violation.number()),
            None => 0,
        }
    }

    /// Gives the memory under the whole pages of this part of the arena back. Bytes given back.
    #[napi(catch_unwind)]
    pub fn give_back(&self, offset: u32, len: u32) -> Result<u32, Coded> {
        let start = self.geometry.arena_offset() + offset as usize;
        let given = self.pair()?.memory().give_back(start..start + len as usize);
        given.map(|bytes| bytes as u32).map_err(error::shm)
    }

    /// Ends the connection, which both sides' watchers see, and lets go of the segment; it stays mapped as long as a buffer of it
    /// is not detached.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        if let Some(bell) = self.hang_up.take() {
            bell.hang_up();
        }
        self.pair = None;
    }
}

impl InitiatorPair {
    /// A pair whose target is a thread of this process, which is stopped in its own way and then hangs up.
    pub(crate) fn local(pair: Initiator, geometry: Geometry, socket: OwnedFd) -> Self {
        Self {
            pair: Some(pair),
            geometry,
            hang_up: None,
            socket: Some(socket),
            peer_pid: std::process::id(),
        }
    }

    fn pair(&self) -> Result<&Initiator, Coded> {
        self.pair.as_ref().ok_or_else(error::closed)
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
