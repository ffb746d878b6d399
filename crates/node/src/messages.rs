//! Messages to transport nodes: sent by threads, reaped by JavaScript when its bell rings.

use crate::error::{self, Coded};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sgring_sg::Errno;
use sgring_sg::message::{self, Answer, Message};
use sgring_shm::{Bell, bell_pair};
use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

/// A transport node that is open.
///
/// Closing it, or the end of its JavaScript environment, waits for no thread: one that is inside the kernel has its own part of everything.
#[napi]
pub struct Messenger {
    node: Option<Arc<OwnedFd>>,
    answers: Arc<Answers>,
    bell: Option<OwnedFd>,
}

struct Answers {
    done: Mutex<VecDeque<(u32, Answer)>>,
    bell: Bell,
}

/// How a message ended: `sgring_sg::message::Answer`.
#[napi(object)]
pub struct MessageAnswer {
    pub id: u32,
    pub errno: i32,
    pub device_status: u32,
    pub transport_status: u32,
    pub driver_status: u32,
    pub reply: Uint8Array,
    pub data_in: Uint8Array,
    pub in_residual: i32,
    pub out_residual: i32,
}

/// A messenger on a duplicate of `fd`, which the caller keeps.
#[napi(catch_unwind)]
pub fn messenger(fd: i32) -> Result<Messenger, Coded> {
    if fd < 0 {
        return Err(error::argument("no descriptor"));
    }
    // SAFETY: not -1, and the caller keeps it open during the call; one that is not open fails to be duplicated.
    let node = unsafe { BorrowedFd::borrow_raw(fd) };
    let node = node
        .try_clone_to_owned()
        .map_err(|error| Coded::new("SYSTEM", error.to_string()))?;
    let (bell, watched) = bell_pair().map_err(error::shm)?;
    Ok(Messenger {
        node: Some(Arc::new(node)),
        answers: Arc::new(Answers {
            done: Mutex::default(),
            bell,
        }),
        bell: Some(watched),
    })
}

#[napi]
impl Messenger {
    /// Hands the bell over: the caller watches and closes it. `-1` the second time.
    #[napi(catch_unwind)]
    pub fn take_bell(&mut self) -> i32 {
        self.bell.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// Sends a message, whose answer will be reaped under `id`. 0, or the errno of a thread that could not be had: nothing was sent then.
    #[napi(catch_unwind)]
    pub fn send(
        &self,
        id: u32,
        request: Uint8Array,
        data_out: Uint8Array,
        data_in_length: u32,
        timeout_ms: u32,
    ) -> i32 {
        let Some(node) = &self.node else {
            return libc::EBADF;
        };
        let message = Message {
            request: request.to_vec(),
            data_out: data_out.to_vec(),
            data_in_len: data_in_length as usize,
            timeout_ms,
        };
        let answers = Arc::clone(&self.answers);
        let sent = message::send(Arc::clone(node), message, move |answer| {
            answers.add(id, answer);
        });
        sent.map_or_else(|Errno(errno)| errno, |()| 0)
    }

    /// The next answer.
    #[napi(catch_unwind)]
    pub fn reap(&self) -> Option<MessageAnswer> {
        let (id, answer) = self.answers.next()?;
        Some(MessageAnswer {
            id,
            errno: answer.errno,
            device_status: answer.device_status,
            transport_status: answer.transport_status,
            driver_status: answer.driver_status,
            reply: answer.reply.into(),
            data_in: answer.data_in.into(),
            in_residual: answer.in_residual,
            out_residual: answer.out_residual,
        })
    }

    /// Sends nothing any more. The node is closed once the kernel is done with what is under way.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.node = None;
    }
}

impl Answers {
    fn add(&self, id: u32, answer: Answer) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.push_back((id, answer));
        drop(done);
        // One that cannot be rung is hung up, which its watcher sees: it looks a last time then.
        if !self.bell.ring() {
            self.bell.hang_up();
        }
    }

    fn next(&self) -> Option<(u32, Answer)> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.pop_front()
    }
}
