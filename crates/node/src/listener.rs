//! Let connections in.

use crate::FEATURES;
use crate::error::{self, Coded};
use crate::target::TargetPair;
use napi_derive::napi;
use sgring_shm::account;
use sgring_shm::{Access, Hello, ListenOptions, Listener, SocketFile};
use sgring_task::Geometry;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::path::Path;

/// Who may connect, and how the socket is made.
#[napi(object)]
pub struct ListenRecord {
    /// Where to listen.
    pub path: String,
    /// Users that may connect, and do everything.
    pub allowed_uids: Vec<u32>,
    /// Groups that may.
    pub allowed_gids: Vec<u32>,
    /// Users that may connect, and read.
    pub read_only_uids: Vec<u32>,
    /// Groups that may.
    pub read_only_gids: Vec<u32>,
    /// The socket's permission bits.
    pub mode: u32,
    /// Its owner, if another one.
    pub owner: Option<u32>,
    /// Its group, if another one.
    pub group: Option<u32>,
    /// How many handshakes may be under way.
    pub max_pending: u32,
    /// How many of one user.
    pub max_pending_per_uid: u32,
    /// Connections a second of one user; 0 is no limit.
    pub connects_per_second: u32,
}

/// A socket that is served.
#[napi]
pub struct TargetListener {
    listener: Option<Listener>,
    bell: Option<OwnedFd>,
}

/// Serves a socket: a thread lets in who passes the checks, and rings the bell.
#[napi(catch_unwind)]
pub fn listen(options: ListenRecord) -> Result<TargetListener, Coded> {
    let mut listen = ListenOptions::new(segment_len);
    listen.access = Access {
        uids: options.allowed_uids,
        gids: options.allowed_gids,
        read_only_uids: options.read_only_uids,
        read_only_gids: options.read_only_gids,
    };
    listen.features = FEATURES;
    listen.max_pending = options.max_pending as usize;
    listen.max_pending_per_uid = options.max_pending_per_uid as usize;
    listen.connects_per_second = options.connects_per_second;
    listen.file = SocketFile {
        mode: options.mode,
        uid: options.owner,
        gid: options.group,
    };
    let (listener, bell) = Listener::bind(Path::new(&options.path), listen)
        .map_err(|error| error::shm_at(&options.path, error))?;
    Ok(TargetListener {
        listener: Some(listener),
        bell: Some(bell),
    })
}

/// The number of the user of this name, if there is one.
#[napi(catch_unwind)]
pub fn user_id(name: String) -> Result<Option<u32>, Coded> {
    account::user_id(&name).map_err(error::shm)
}

/// The number of the group of this name, if there is one.
#[napi(catch_unwind)]
pub fn group_id(name: String) -> Result<Option<u32>, Coded> {
    account::group_id(&name).map_err(error::shm)
}

fn segment_len(hello: &Hello) -> Option<u64> {
    Geometry::new(hello.slots, hello.arena_bytes).map(|geometry| geometry.segment_bytes() as u64)
}

#[napi]
impl TargetListener {
    /// Hands the bell over: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_bell(&mut self) -> i32 {
        self.bell.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// The next connection that has passed all checks, if there is one. To be called until there is none.
    #[napi(catch_unwind)]
    pub fn accept(&mut self) -> Option<TargetPair> {
        self.listener.as_ref()?.accept().map(TargetPair::new)
    }

    /// Connections that this thread has turned away so far: not allowed, too many, too fast, no hello, no segment.
    #[napi(catch_unwind)]
    pub fn turned_away(&self) -> f64 {
        let stats = self.listener.as_ref().map(Listener::stats);
        stats.unwrap_or_default().turned_away as f64
    }

    /// Stops listening, joins the thread, and removes the socket.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.close();
        }
    }
}
