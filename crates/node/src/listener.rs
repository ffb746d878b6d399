//! Let connections in.

use crate::FEATURES;
use crate::error::{self, Coded};
use crate::target::TargetPair;
use napi_derive::napi;
use sgring_shm::{Hello, ListenOptions, Listener};
use sgring_task::Geometry;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::path::Path;

/// Who may connect, and how the socket is made.
#[napi(object)]
pub struct ListenRecord {
    /// Where to listen.
    pub path: String,
    /// Users that may connect.
    pub allowed_uids: Vec<u32>,
    /// The socket's permission bits.
    pub mode: u32,
    /// How many handshakes may be under way.
    pub max_pending: u32,
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
    listen.allowed_uids = options.allowed_uids;
    listen.features = FEATURES;
    listen.max_pending = options.max_pending as usize;
    listen.mode = options.mode;
    let (listener, bell) = Listener::bind(Path::new(&options.path), listen)
        .map_err(|error| error::shm_at(&options.path, error))?;
    Ok(TargetListener {
        listener: Some(listener),
        bell: Some(bell),
    })
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

    /// Stops listening, joins the thread, and removes the socket.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.close();
        }
    }
}
