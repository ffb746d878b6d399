//! Parts from one node to another, by `SG_IO`: each is read into memory of the mover's own, and written from there.
//!
//! The same thread reads and writes, so nothing is handed over between the two.
//!
//! Where a process is stopped and goes on (SIGSTOP, the freezer, a debugger), the kernel restarts an `SG_IO` that waits at an sg node: the same bytes are read or written
//! once more, and perhaps by two commands at a time. How the first of them ends is heard by nobody, so what it tells of an earlier WRITE (a deferred error) is lost. At a bsg
//! or a block node it waits uninterruptibly.

use crate::Errno;
use crate::abi::SG_SET_RESERVED_SIZE;
use crate::copy::{Failure, Mover, Part, Stage};
use crate::decode::sense_data;
use crate::ioctl::Header;
use crate::sg_io::ioctl_int;
use crate::transport::{Data, Outcome, Request, SENSE_BUFFER_LEN, Span};
use sgring_shm::Mapping;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::Arc;

/// READ(16) and WRITE(16) (SBC-3 5.13, 5.35).
pub const CDB_LEN: usize = 16;
/// What the movers of a copy may have for their parts, all together; of each end that is an sg node, the kernel reserves as much again.
const MOST_BYTES: usize = 256 << 20;
const PAGE_BYTES: usize = 4096;

/// An end of a copy.
#[derive(Clone, Debug)]
pub struct End {
    /// The node, open.
    pub node: Arc<OwnedFd>,
    /// What it takes.
    pub header: Header,
    /// READ(16) or WRITE(16): LBA and number of blocks are filled in, the rest is sent as it stands.
    pub cdb: [u8; CDB_LEN],
    /// The block at which the copy begins.
    pub lba: u64,
    /// Bytes of a block: all of the copy's lengths are multiples of it.
    pub block_len: u32,
}

impl End {
    /// The command that moves a part.
    fn cdb(&self, Part { at, len }: Part) -> [u8; CDB_LEN] {
        let lba = self.lba + at / u64::from(self.block_len);
        let mut cdb = self.cdb;
        cdb[2..10].copy_from_slice(&lba.to_be_bytes());
        cdb[10..14].copy_from_slice(&(len / self.block_len).to_be_bytes());
        cdb
    }

    /// Whether so many bytes, in such parts, are whole blocks whose numbers are numbers.
    fn takes(&self, len: u64, part_len: u32) -> bool {
        let block_len = u64::from(self.block_len);
        block_len > 0
            && len.is_multiple_of(block_len)
            && part_len.is_multiple_of(self.block_len)
            && self.lba.checked_add(len / block_len).is_some()
    }
}

/// Reads and writes parts.
#[derive(Debug)]
pub struct NodeMover {
    from: Opened,
    to: Opened,
    memory: Arc<Mapping>,
    /// Where this mover's bytes begin, of which there are as many as a part has.
    place: usize,
    timeout_ms: u32,
}

/// While its node is open, the kernel gives that one's number to no other device.
#[derive(Debug)]
struct Opened {
    end: End,
    /// An open file of its own, where the node counts the commands of one.
    own: Option<OwnedFd>,
}

impl NodeMover {
    /// At most `count` movers, for a copy of `len` bytes in parts of `part_len`: no more than there are parts, and than files can be opened with some to spare, and than
    /// have room in 256 MiB, where one always has. The kernel gives up a command after `timeout_ms` milliseconds.
    ///
    /// # Errors
    ///
    /// `EINVAL` for what are no whole blocks of both ends, or a part without bytes; or what the system says: no memory, no descriptors.
    pub fn new(
        [from, to]: [&End; 2],
        len: u64,
        part_len: u32,
        count: usize,
        timeout_ms: u32,
    ) -> Result<Vec<Self>, Errno> {
        let fits = from.takes(len, part_len) && to.takes(len, part_len);
        if !fits || len == 0 || part_len == 0 || count == 0 {
            return Err(Errno(libc::EINVAL));
        }
        // Memory that is not aligned for the device is copied by the kernel.
        let place_len = (part_len as usize).next_multiple_of(PAGE_BYTES);
        let parts = usize::try_from(len.div_ceil(part_len.into())).unwrap_or(usize::MAX);
        let count = count.min(parts).min((MOST_BYTES / place_len).max(1));
        let total = place_len * count;
        let memory = Mapping::private(total).map_err(|_| Errno(libc::ENOMEM))?;
        memory.advise_huge(0..total);
        let memory = Arc::new(memory);
        let mut movers = Vec::with_capacity(count);
        for index in 0..count {
            let opened = Opened::new(from, part_len).and_then(|from| {
                let to = Opened::new(to, part_len)?;
                Ok((from, to))
            });
            let (from, to) = match opened {
                Err(_) if index > 0 => {
                    // Whoever notes how far the copy is needs a file, too.
                    movers.truncate((index - 1).max(1));
                    break;
                }
                opened => opened?,
            };
            movers.push(Self {
                from,
                to,
                memory: Arc::clone(&memory),
                place: index * place_len,
                timeout_ms,
            });
        }
        Ok(movers)
    }
}

impl Mover for NodeMover {
    fn send(&mut self, stage: Stage, part: Part) -> Result<(), Failure> {
        let spans = [Span {
            ptr: self.memory.as_ptr().wrapping_add(self.place),
            len: part.len as usize,
        }];
        let (Opened { end, own }, data) = match stage {
            Stage::Read => (&self.from, Data::In(&spans)),
            Stage::Write => (&self.to, Data::Out(&spans)),
        };
        let request = Request {
            slot: 0,
            generation: 0,
            cdb: &end.cdb(part),
            data,
            timeout_ms: self.timeout_ms,
        };
        let node = own.as_ref().unwrap_or(&end.node).as_fd();
        let mut sense = [0; SENSE_BUFFER_LEN];
        // SAFETY: the span lies in the mapping, at a place that is this mover's alone; it stays mapped until the mover is gone.
        let ended = unsafe { end.header.send(node, &request, &mut sense) };
        let (outcome, sense_len) = ended.unwrap_or_else(|Errno(errno)| {
            let refused = Outcome {
                errno,
                ..Outcome::default()
            };
            (refused, 0)
        });
        // GOOD, of all layers, and nothing is missing.
        if outcome == Outcome::default() {
            return Ok(());
        }
        let sense = sense_data(&sense[..sense_len]).to_vec();
        Err(Failure {
            stage,
            outcome,
            sense,
        })
    }
}

impl Opened {
    fn new(end: &End, part_len: u32) -> Result<Self, Errno> {
        let own = match end.header {
            // An open file of an sg node takes 16 commands, and has a buffer for one: the kernel clears other memory for each.
            Header::V3 if is_char(&end.node)? => {
                let own = reopened(end.node.as_fd())?;
                // Advice: a part that does not fit has other memory.
                let _advice = ioctl_int(own.as_fd(), SG_SET_RESERVED_SIZE, part_len as i32);
                Some(own)
            }
            Header::V3 | Header::V4 => None,
        };
        let end = end.clone();
        Ok(Self { end, own })
    }
}

/// Of the nodes that take a v3 header, sg's: a block node counts no commands, and to close it after writing is an event for udev.
fn is_char(node: &OwnedFd) -> Result<bool, Errno> {
    let file = File::from(node.try_clone()?);
    Ok(file.metadata()?.file_type().is_char_device())
}

/// The same node, opened once more for the same.
fn reopened(node: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    // SAFETY: the descriptor is open, and the command has no argument.
    let flags = unsafe { libc::fcntl(node.as_raw_fd(), libc::F_GETFL) };
    if flags < 0 {
        return Err(Errno::last());
    }
    let file = File::options()
        .read(true)
        .write(flags & libc::O_ACCMODE == libc::O_RDWR)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/self/fd/{}", node.as_raw_fd()))?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(lba: u64, block_len: u32) -> End {
        let node: OwnedFd = File::open("/dev/null").unwrap().into();
        let mut cdb = [0; CDB_LEN];
        (cdb[0], cdb[1]) = (0x88, 0x10);
        End {
            node: Arc::new(node),
            header: Header::V4,
            cdb,
            lba,
            block_len,
        }
    }

    #[test]
    fn a_part_is_so_many_blocks_from_that_one_and_the_rest_of_the_cdb_stays() {
        let part = Part {
            at: 3 << 20,
            len: 1 << 20,
        };
        let cdb = end(1 << 32, 4096).cdb(part);
        assert_eq!(cdb, [0x88, 0x10, 0, 0, 0, 1, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn there_are_no_more_movers_than_parts_and_their_memory_is_bounded() {
        let end = end(0, 512);
        let movers = |len, part_len, count| {
            NodeMover::new([&end, &end], len, part_len, count, 1000).map(|movers| movers.len())
        };
        assert_eq!(movers(8192 + 512, 4096, 256), Ok(3));
        assert_eq!(movers(1 << 40, 64 << 20, 256), Ok(4));
        assert_eq!(movers(2 << 30, 1 << 30, 256), Ok(1));
    }

    #[test]
    fn the_memory_of_each_begins_with_a_page_whatever_length_blocks_have() {
        let end = end(0, 520);
        let movers = NodeMover::new([&end, &end], 520 * 64, 520 * 16, 4, 1000).unwrap();
        let places: Vec<_> = movers.iter().map(|mover| mover.place).collect();
        assert_eq!(places, [0, 12288, 24576, 36864]);
    }

    #[test]
    fn what_are_no_whole_blocks_of_both_ends_is_refused() {
        let (small, large) = (end(0, 512), end(0, 4096));
        let movers = |len, part_len, count| {
            NodeMover::new([&small, &large], len, part_len, count, 1000).map(|movers| movers.len())
        };
        assert_eq!(movers(8192, 4096, 1), Ok(1));
        assert_eq!(movers(8192 + 512, 4096, 3), Err(Errno(libc::EINVAL)));
        assert_eq!(movers(8192, 512, 3), Err(Errno(libc::EINVAL)));
        assert_eq!(movers(8192, 0, 3), Err(Errno(libc::EINVAL)));
        assert_eq!(movers(8192, 4096, 0), Err(Errno(libc::EINVAL)));
        let last = end(u64::MAX - 1, 4096);
        let beyond = NodeMover::new([&small, &last], 8192, 4096, 1, 1000);
        assert_eq!(beyond.unwrap_err(), Errno(libc::EINVAL));
        let none = NodeMover::new([&small, &end(0, 0)], 8192, 4096, 1, 1000);
        assert_eq!(none.unwrap_err(), Errno(libc::EINVAL));
    }
}
