//! sg nodes: v3 headers by write(2) and read(2), without waiting for a device.
//!
//! | who | does |
//! |---|---|
//! | write(2) of a header | starts a command; sleeps until the queue has a request for it, so that no more are started than it has: [`Options::requests`] |
//! | epoll(7), by edges | tells which files have ended commands; by level it would never rest after a hang-up |
//! | read(2) | brings the header of a command that has ended, and copies its data and sense data |
//!
//! An open file takes 16 commands (`SG_MAX_QUEUE`), so more files are opened as they are needed, through `/proc/self/fd`: that is the same
//! node, and while the first file is open its number goes to no other device. Each file has a buffer reserved, 32 KiB as a rule, which one
//! command at a time uses; for the data of others the kernel finds pages, 32 KiB at a time too, and mostly clears them. So commands
//! that fit are spread over files, one each, as long as there may be more files.
//!
//! **How data moves.** By default the kernel copies, in write(2) or in read(2); a single span is offered for direct I/O, which the kernel takes
//! if root has set the module's `allow_dio` and the span is aligned, and [`Counts`] tell. With [`DataPath::Mapped`] it moves through the
//! reserved buffer of a file, and is copied here: that is of use where the buffers are larger than usual, and saves no copy; so nothing
//! chooses it by itself.
//!
//! **Who writes when.** The kernel writes sense data and copied data during read(2) alone, and reads spans, iovecs and CDBs during write(2)
//! alone: after close(2) commands run on, but touch none of it. Direct I/O is the exception: the device writes to the pages themselves until the
//! command ends, closed or not. The kernel has pinned them, so they are nobody else's memory; that they still are what the caller thinks is
//! the contract of [`Transport::start`]. A reserved buffer is the kernel's own.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use crate::abi::{
    Plain, SG_FLAG_DIRECT_IO, SG_FLAG_MMAP_IO, SG_FLAG_Q_AT_TAIL, SG_GET_RESERVED_SIZE,
    SG_MAX_QUEUE, SgIoHdr,
};
use crate::cells::Cells;
use crate::decode::{Asked, was_direct};
use crate::reserved::Reserved;
use crate::sg_io::{self, ioctl_int};
use crate::transport::{Data, Outcome, Request, SENSE_BUFFER_LEN, Span, Start, Transport};
use crate::{Errno, Unusable};

/// How data gets from and to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPath {
    /// Direct where the kernel allows it, else copied by it.
    Direct,
    /// Copied by the kernel.
    Copied,
    /// Through reserved buffers of about so many bytes, and copied here; what is longer is copied by the kernel.
    Mapped {
        /// Bytes of each file's buffer.
        len: usize,
    },
}

/// How an [`Sg`] works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many files may be open: each takes 16 commands, and 32 KiB of the kernel's memory.
    pub max_files: usize,
    /// Requests of the device's queue: while so many commands are under way, write(2) of one more would sleep, and the engine with it. It may
    /// sleep all the same where others use the device, or another of its host.
    pub requests: usize,
    /// How data moves.
    pub data: DataPath,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_files: 16,
            requests: usize::MAX,
            data: DataPath::Direct,
        }
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commands whose data moved without a copy.
    pub direct: u64,
    /// Commands whose data the kernel copied.
    pub copied: u64,
    /// Commands whose data went through a mapped buffer.
    pub mapped: u64,
}

/// Commands through an sg node.
pub struct Sg {
    files: Vec<File>,
    /// Readable when some file may have ended commands.
    epoll: OwnedFd,
    /// By slot: what is outstanding.
    sent: Vec<Option<Sent>>,
    outstanding: usize,
    /// One for all: the kernel writes it in read(2), which this thread calls.
    sense: Cells,
    /// Why no further file could be opened: it is not tried again.
    no_more: Option<Errno>,
    options: Options,
    counts: Counts,
}

struct File {
    /// Mapped, if that is how data moves.
    reserved: Option<Reserved>,
    /// Bytes of the buffer that the node has reserved for it.
    reserved_len: usize,
    /// Whether a command uses that.
    reserved_busy: bool,
    outstanding: usize,
    fd: OwnedFd,
}

struct Sent {
    key: u32,
    file: usize,
    asked: Asked,
    /// Whether it uses the file's reserved buffer.
    reserved: bool,
    /// Where the reserved buffer's bytes go, of a mapped data-in command; empty of other mapped ones.
    mapped: Option<Box<[Span]>>,
}

impl Sg {
    /// Commands through the open sg node `fd`, in slots below `slots`. It is made non-blocking.
    ///
    /// # Errors
    ///
    /// [`Unusable::ReadOnly`], [`Unusable::NotSg`], or a system call's.
    pub fn new(fd: OwnedFd, slots: usize, options: Options) -> Result<Self, Unusable> {
        let flags = fcntl(&fd, libc::F_GETFL, 0)?;
        if flags & libc::O_ACCMODE != libc::O_RDWR {
            return Err(Unusable::ReadOnly);
        }
        sg_io::scsi_id(fd.as_fd()).map_err(Unusable::NotSg)?;
        fcntl(&fd, libc::F_SETFL, flags | libc::O_NONBLOCK)?;
        // SAFETY: no precondition.
        let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
            .map_err(|errno| Unusable::system("epoll_create1", errno))?;
        let mut sg = Self {
            files: Vec::new(),
            epoll,
            sent: (0..slots).map(|_| None).collect(),
            outstanding: 0,
            sense: Cells::new(1),
            no_more: None,
            options,
            counts: Counts::default(),
        };
        sg.add(fd)
            .map_err(|errno| Unusable::system("sg node", errno))?;
        Ok(sg)
    }

    /// How data has moved.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many files are open.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files.len()
    }

    fn add(&mut self, fd: OwnedFd) -> Result<(), Errno> {
        let reserved = match self.options.data {
            DataPath::Mapped { len } => Some(Reserved::map(fd.as_fd(), len)?),
            _ => None,
        };
        let reserved_len = match &reserved {
            Some(reserved) => reserved.len(),
            None => usize::try_from(ioctl_int(fd.as_fd(), SG_GET_RESERVED_SIZE, 0)?).unwrap_or(0),
        };
        let mut event = libc::epoll_event {
            events: (libc::EPOLLIN | libc::EPOLLET) as u32,
            u64: self.files.len() as u64,
        };
        // SAFETY: both descriptors are open, and the event is read during the call.
        let added = unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                fd.as_raw_fd(),
                &raw mut event,
            )
        };
        if added == -1 {
            return Err(Errno::last());
        }
        self.files.push(File {
            reserved,
            reserved_len,
            reserved_busy: false,
            outstanding: 0,
            fd,
        });
        Ok(())
    }

    /// The file for the next command of `len` bytes, and whether it uses that one's reserved buffer.
    fn choose(&mut self, len: usize) -> Option<(usize, bool)> {
        let fits = |file: &File| len > 0 && len <= file.reserved_len;
        let open = |file: &File| file.outstanding < SG_MAX_QUEUE;
        if self.files.iter().any(fits) {
            let free = |file: &File| fits(file) && open(file) && !file.reserved_busy;
            let found = self.files.iter().position(free);
            if let Some(index) = found.or_else(|| self.grow()) {
                return Some((index, free(&self.files[index])));
            }
        }
        let found = self.files.iter().position(open);
        Some((found.or_else(|| self.grow())?, false))
    }

    /// Opens the node once more, unless that has failed before.
    fn grow(&mut self) -> Option<usize> {
        if self.no_more.is_some() || self.files.len() >= self.options.max_files {
            return None;
        }
        let grown = reopen(&self.files[0].fd).and_then(|fd| self.add(fd));
        match grown {
            Ok(()) => Some(self.files.len() - 1),
            Err(errno) => {
                self.no_more = Some(errno);
                None
            }
        }
    }

    /// Reads what one file has ended.
    fn reap_file(
        &mut self,
        index: usize,
        done: &mut dyn FnMut(Outcome, &[u8]),
    ) -> Result<(), Errno> {
        while self.files[index].outstanding > 0 {
            let mut header = SgIoHdr::zeroed();
            header.pack_id = -1;
            let read = read(&self.files[index].fd, header.as_bytes_mut());
            let errno = match read {
                Ok(len) if len == size_of::<SgIoHdr>() => None,
                Ok(_) => return Err(Errno(libc::EIO)),
                // Gone, and nothing has ended yet: the end of each command is another edge.
                Err(Errno(libc::EAGAIN | libc::ENODEV)) => return Ok(()),
                // The header comes first; then its data may find no room.
                Err(errno) if header.pack_id != -1 => Some(errno),
                Err(errno) => return Err(errno),
            };
            let Some(sent) = self.take(header.pack_id, index) else {
                continue;
            };
            let (outcome, sense_len) = match errno {
                None => sent.asked.v3(&header),
                Some(errno) => (sent.asked.refused(errno.0), 0),
            };
            self.account(&sent, &header, &outcome);
            let mut copy = std::mem::MaybeUninit::uninit();
            done(outcome, self.sense.sense(0, sense_len, &mut copy));
        }
        Ok(())
    }

    /// What was sent with this key through this file: nothing else is believed.
    fn take(&mut self, pack_id: i32, index: usize) -> Option<Sent> {
        let key = u32::try_from(pack_id).ok()?;
        let sent = self.sent.get_mut(usize::from(Request::slot_of(key)))?;
        let sent = sent.take_if(|sent| sent.key == key && sent.file == index)?;
        let file = &mut self.files[index];
        file.outstanding -= 1;
        file.reserved_busy &= !sent.reserved;
        self.outstanding -= 1;
        Some(sent)
    }

    /// Counts how data moved, and brings it home from a reserved buffer.
    fn account(&mut self, sent: &Sent, header: &SgIoHdr, outcome: &Outcome) {
        let Some(spans) = &sent.mapped else {
            if sent.asked.in_len + sent.asked.out_len > 0 && outcome.errno == 0 {
                match was_direct(header) {
                    true => self.counts.direct += 1,
                    false => self.counts.copied += 1,
                }
            }
            return;
        };
        self.counts.mapped += 1;
        let missing = usize::try_from(outcome.in_residual).unwrap_or(0);
        let came = (sent.asked.in_len as usize).saturating_sub(missing);
        let reserved = self.files[sent.file].reserved.as_ref();
        if let Some(reserved) = reserved.filter(|_| outcome.errno == 0) {
            // SAFETY: 1. the spans are mapped until this outcome is reaped, by the contract of `start`; 2. the command that used the buffer
            // has just ended, and there was no other.
            unsafe { reserved.empty(spans, came) };
        }
    }
}

impl Transport for Sg {
    fn max_spans(&self) -> usize {
        sgring_scatterlist::iovec::MAX_ENTRIES
    }

    unsafe fn start(&mut self, request: &Request<'_>) -> Result<Start, Errno> {
        let asked = Asked::of(request).ok_or(Errno(libc::EINVAL))?;
        let slot = usize::from(request.slot);
        if self.sent.get(slot).is_none_or(Option::is_some) {
            return Err(Errno(libc::EINVAL));
        }
        if self.outstanding >= self.options.requests.max(1) {
            return Ok(Start::Full);
        }
        let Some((index, reserved)) = self.choose(request.data.len()) else {
            return Ok(Start::Full);
        };
        let file = &mut self.files[index];
        let mut header = sg_io::header(request, self.sense.sense_at(0)?)?;
        header.flags = SG_FLAG_Q_AT_TAIL;
        let mut mapped = None;
        if let Some(buffer) = file.reserved.as_ref().filter(|_| reserved) {
            header.flags |= SG_FLAG_MMAP_IO;
            header.iovec_count = 0;
            header.dxferp = 0;
            mapped = Some(match request.data {
                Data::In(spans) => spans.into(),
                Data::Out(spans) => {
                    // SAFETY: 1. the spans are mapped, by contract; 2. the buffer is not busy, or it had not been chosen.
                    unsafe { buffer.fill(spans) };
                    Box::default()
                }
                Data::None => Box::default(),
            });
        } else if self.options.data == DataPath::Direct
            && matches!(request.data, Data::In([_]) | Data::Out([_]))
        {
            header.flags |= SG_FLAG_DIRECT_IO;
        }
        write(&file.fd, header.as_bytes())?;
        file.reserved_busy |= reserved;
        file.outstanding += 1;
        self.outstanding += 1;
        self.sent[slot] = Some(Sent {
            key: request.key(),
            file: index,
            asked,
            reserved,
            mapped,
        });
        Ok(Start::Started)
    }

    fn flush(&mut self) -> Result<(), Errno> {
        Ok(())
    }

    fn reap(&mut self, done: &mut dyn FnMut(Outcome, &[u8])) -> Result<(), Errno> {
        let mut result = Ok(());
        while self.outstanding > 0 {
            let mut events = [libc::epoll_event { events: 0, u64: 0 }; 32];
            let ready = epoll_wait(&self.epoll, &mut events)?;
            for event in &events[..ready] {
                let index = usize::try_from(event.u64).unwrap_or(usize::MAX);
                if index < self.files.len() {
                    // The first trouble is told after the other files had their turn.
                    result = result.and(self.reap_file(index, done));
                }
            }
            if ready < events.len() {
                break;
            }
        }
        result
    }

    fn poll_fds(&mut self, into: &mut Vec<libc::pollfd>) {
        into.push(libc::pollfd {
            fd: self.epoll.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        });
    }
}

/// Whether root has allowed direct I/O on sg nodes: `allow_dio` of the module. `None` if there is no such module.
#[must_use]
pub fn direct_io_allowed() -> Option<bool> {
    let value = std::fs::read_to_string("/sys/module/sg/parameters/allow_dio").ok()?;
    Some(value.trim() != "0")
}

/// The same node, opened once more.
fn reopen(fd: &OwnedFd) -> Result<OwnedFd, Errno> {
    let path = std::ffi::CString::new(format!("/proc/self/fd/{}", fd.as_raw_fd()))
        .map_err(|_| Errno(libc::EINVAL))?;
    // SAFETY: a string that ends with a NUL.
    owned(unsafe {
        libc::open(
            path.as_ptr(),
            libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC,
        )
    })
}

fn owned(fd: i32) -> Result<OwnedFd, Errno> {
    if fd == -1 {
        return Err(Errno::last());
    }
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn fcntl(fd: &OwnedFd, command: i32, argument: i32) -> Result<i32, Unusable> {
    // SAFETY: the callers' commands take an int.
    match unsafe { libc::fcntl(fd.as_raw_fd(), command, argument) } {
        -1 => Err(Unusable::system("fcntl", Errno::last())),
        value => Ok(value),
    }
}

/// A call that signals do not end.
fn again(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    loop {
        if let Ok(value) = usize::try_from(call()) {
            return Ok(value);
        }
        let errno = Errno::last();
        if errno != Errno(libc::EINTR) {
            return Err(errno);
        }
    }
}

fn write(fd: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the bytes are borrowed during the call. What they point at is the caller's to answer for: `start` does.
    again(|| unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) })?;
    Ok(())
}

fn read(fd: &OwnedFd, bytes: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the bytes are borrowed during the call. The kernel also writes where the header of the command that it ends points: to the sense
    // cell, which lives as long as `Sg`, and to spans that are mapped until then.
    again(|| unsafe { libc::read(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) })
}

fn epoll_wait(epoll: &OwnedFd, events: &mut [libc::epoll_event; 32]) -> Result<usize, Errno> {
    again(|| {
        // SAFETY: as many events as there is room for, borrowed during the call; a timeout of 0 does not wait.
        let ready = unsafe {
            libc::epoll_wait(
                epoll.as_raw_fd(),
                events.as_mut_ptr(),
                events.len() as i32,
                0,
            )
        };
        ready as isize
    })
}

const _: () = assert!(SENSE_BUFFER_LEN <= u8::MAX as usize);
