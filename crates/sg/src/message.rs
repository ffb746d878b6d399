//! Messages to transport nodes: `SG_IO` v4 with data both ways, on the bsg nodes of hosts, ports and expanders (block/bsg-lib.c).
//!
//! They are few, and each may wait for as long as its driver likes, uninterruptibly: so each has a thread of its own for as long as it
//! takes, which has all that the kernel may touch. Whoever does not wait for it leaves it behind.

use crate::Errno;
use crate::abi::{
    BSG_PROTOCOL_SCSI, BSG_SUB_PROTOCOL_SCSI_TRANSPORT, Plain, SG_IO, SG_V4_GUARD, SgIoV4,
};
use crate::signals::block_signals;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread;

/// What a driver may write as its reply: `SCSI_SENSE_BUFFERSIZE`, which bsg-lib gives to each job.
pub const MAX_REPLY_LEN: usize = 96;
/// It has a header, a reply and a few calls on it.
const STACK_BYTES: usize = 128 << 10;
const PAGE_BYTES: usize = 4096;

/// A message to be sent.
#[derive(Debug, Default)]
pub struct Message {
    /// The transport's own structure.
    pub request: Vec<u8>,
    /// Payload to the driver.
    pub data_out: Vec<u8>,
    /// Bytes of payload from the driver.
    pub data_in_len: usize,
    /// Milliseconds; 0 is the kernel's default, and less than 7 s is 7 s. Many drivers have a limit of their own.
    pub timeout_ms: u32,
}

/// How a message ended.
#[derive(Debug, Default)]
pub struct Answer {
    /// 0, or why there is nothing else here: the kernel took no message, or its driver failed it.
    pub errno: i32,
    /// The lowest byte of the driver's result: for most no SAM status.
    pub device_status: u32,
    /// `DID_…`
    pub transport_status: u32,
    /// `DRIVER_…`
    pub driver_status: u32,
    /// The transport's own structure, cut to what the driver wrote: at most [`MAX_REPLY_LEN`] bytes.
    pub reply: Vec<u8>,
    /// As many bytes as were asked for.
    pub data_in: Vec<u8>,
    /// Bytes of it that did not come: the kernel says so only where there was data-out, too.
    pub in_residual: i32,
    /// Always 0: the kernel takes for granted that all went.
    pub out_residual: i32,
}

/// Sends a message by a thread of its own, which calls `done` with the answer.
///
/// # Errors
///
/// There is no thread to be had: nothing was sent.
pub fn send(
    node: Arc<OwnedFd>,
    message: Message,
    done: impl FnOnce(Answer) + Send + 'static,
) -> Result<(), Errno> {
    thread::Builder::new()
        .name("sgring-message".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            block_signals();
            done(carry_out(&node, &message));
        })?;
    Ok(())
}

fn carry_out(node: &OwnedFd, message: &Message) -> Answer {
    let data_out = Pages::from(&message.data_out[..]);
    let mut data_in = Pages::zeroed(message.data_in_len);
    let mut reply = [0u8; MAX_REPLY_LEN];
    let lengths = (
        u32::try_from(message.request.len()),
        u32::try_from(message.data_out.len()),
        u32::try_from(message.data_in_len),
    );
    let (Ok(request_len), Ok(dout_xfer_len), Ok(din_xfer_len)) = lengths else {
        return Answer::failed(Errno(libc::EINVAL));
    };
    let mut header = SgIoV4 {
        guard: SG_V4_GUARD,
        protocol: BSG_PROTOCOL_SCSI,
        subprotocol: BSG_SUB_PROTOCOL_SCSI_TRANSPORT,
        request_len,
        request: message.request.as_ptr().expose_provenance() as u64,
        max_response_len: MAX_REPLY_LEN as u32,
        response: reply.as_mut_ptr().expose_provenance() as u64,
        dout_xfer_len,
        dout_xferp: data_out.address(),
        din_xfer_len,
        din_xferp: data_in.address_mut(),
        timeout: message.timeout_ms,
        ..SgIoV4::zeroed()
    };
    // SAFETY: 1. a v4 header, which is what a bsg node takes; 2. request, reply and data are ours, as long as the header says, and live until
    // the call is over; 3. nobody has a reference to what the kernel writes: reply and data-in were lent to it by their addresses.
    if unsafe { libc::ioctl(node.as_raw_fd(), SG_IO as _, &raw mut header) } < 0 {
        return Answer::failed(Errno::last());
    }
    let reply_len = reply.len().min(header.response_len as usize);
    Answer {
        errno: 0,
        device_status: header.device_status,
        transport_status: header.transport_status,
        driver_status: header.driver_status,
        reply: reply[..reply_len].to_vec(),
        data_in: data_in.first(message.data_in_len),
        in_residual: header.din_resid,
        out_residual: header.dout_resid,
    }
}

impl Answer {
    fn failed(Errno(errno): Errno) -> Self {
        Self {
            errno,
            ..Self::default()
        }
    }
}

/// Whole pages: some drivers take no payload of more than one piece, and a page is the largest that is one for sure.
struct Pages(Vec<Page>);

#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Page([u8; PAGE_BYTES]);

impl Pages {
    fn zeroed(len: usize) -> Self {
        Self(vec![Page([0; PAGE_BYTES]); len.div_ceil(PAGE_BYTES)])
    }

    fn first(&self, len: usize) -> Vec<u8> {
        let bytes = self.0.iter().flat_map(|Page(page)| page);
        bytes.copied().take(len).collect()
    }

    fn address(&self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    fn address_mut(&mut self) -> u64 {
        self.0.as_mut_ptr().expose_provenance() as u64
    }
}

impl From<&[u8]> for Pages {
    fn from(bytes: &[u8]) -> Self {
        let mut pages = Self::zeroed(bytes.len());
        for (Page(page), part) in pages.0.iter_mut().zip(bytes.chunks(PAGE_BYTES)) {
            page[..part.len()].copy_from_slice(part);
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::mpsc;

    fn sent_to_null(message: Message) -> Answer {
        let null: OwnedFd = File::open("/dev/null").unwrap().into();
        let (sender, answers) = mpsc::channel();
        send(Arc::new(null), message, move |answer| {
            sender.send(answer).unwrap();
        })
        .unwrap();
        answers.recv().unwrap()
    }

    #[test]
    fn a_node_that_knows_no_messages_says_so() {
        let answer = sent_to_null(Message {
            request: vec![0; 16],
            data_out: vec![1; 5000],
            data_in_len: 12,
            timeout_ms: 0,
        });
        assert_eq!(answer.errno, libc::ENOTTY);
        assert!(answer.reply.is_empty() && answer.data_in.is_empty());
    }

    #[test]
    fn a_payload_begins_at_a_page_and_keeps_its_bytes() {
        let bytes: Vec<u8> = (0..9000u32).map(|at| (at % 251) as u8).collect();
        let pages = Pages::from(&bytes[..]);
        assert_eq!(pages.address() % 4096, 0);
        assert_eq!(pages.first(9000), bytes);
        assert_eq!(pages.0.len(), 3);
        assert!(Pages::zeroed(0).0.is_empty());
    }
}
