//! The disks of scsi_debug, their nodes and what can be turned on the module.

use std::fs::{self, OpenOptions};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sgring_sg::sg::{DataPath, Options};
use sgring_sg::{Header, Ioctl, Sg, Transport, Unusable, Uring, uring};

/// A disk, by its two pass-through nodes.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// H:C:T:L
    pub(crate) address: String,
    pub(crate) sg: PathBuf,
    pub(crate) bsg: PathBuf,
}

/// All disks of scsi_debug, by their addresses.
pub(crate) fn disks() -> Vec<Disk> {
    let entries = fs::read_dir("/sys/class/scsi_generic").expect("the module sg");
    let mut disks: Vec<Disk> = entries
        .map(|entry| entry.expect("an entry"))
        .filter_map(|entry| {
            let device = entry.path().join("device");
            let model = fs::read_to_string(device.join("model")).ok()?;
            let address = fs::canonicalize(device).ok()?;
            let address = address.file_name()?.to_str()?.to_owned();
            (model.trim() == "scsi_debug").then(|| Disk {
                sg: Path::new("/dev").join(entry.file_name()),
                bsg: Path::new("/dev/bsg").join(&address),
                address,
            })
        })
        .collect();
    disks.sort_by(|a, b| a.address.cmp(&b.address));
    assert!(!disks.is_empty(), "no disk of scsi_debug");
    disks
}

pub(crate) fn disk() -> Disk {
    disks().swap_remove(0)
}

pub(crate) fn open(path: &Path) -> OwnedFd {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into()
}

pub(crate) const SLOTS: usize = 96;

pub(crate) fn sg(disk: &Disk, options: Options) -> Sg {
    Sg::new(open(&disk.sg), SLOTS, options).expect("an sg node")
}

/// `None` before Linux 7.1, where the reason must be that.
pub(crate) fn uring(disk: &Disk) -> Option<Uring> {
    // SAFETY: nothing is pinned.
    match unsafe { Uring::new(open(&disk.bsg), SLOTS, uring::Options::default()) } {
        Ok(uring) => Some(uring),
        Err(Unusable::KernelTooOld { release }) => {
            let major: u32 = release
                .split('.')
                .next()
                .expect("a number")
                .parse()
                .expect("one");
            assert!(major < 7, "{release} is new enough");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// Every transport that this kernel has, on this disk.
pub(crate) fn transports(disk: &Disk) -> Vec<(&'static str, Box<dyn Transport>)> {
    let ioctl = |path: &Path, header| -> Box<dyn Transport> {
        Box::new(Ioctl::new(open(path), header, 4).expect("threads"))
    };
    let sg_with = |data, max_files| -> Box<dyn Transport> {
        let options = Options {
            max_files,
            data,
            ..Options::default()
        };
        Box::new(sg(disk, options))
    };
    let mut all = vec![
        ("ioctl on bsg", ioctl(&disk.bsg, Header::V4)),
        ("ioctl on sg", ioctl(&disk.sg, Header::V3)),
        ("sg", sg_with(DataPath::Direct, 16)),
        ("sg, one file", sg_with(DataPath::Copied, 1)),
        (
            "sg, mapped",
            sg_with(DataPath::Mapped { len: 64 << 10 }, 16),
        ),
    ];
    if let Some(uring) = uring(disk) {
        all.push(("io_uring", Box::new(uring)));
    }
    all
}

/// Sets a parameter of the module; it has its old value again when this is dropped.
pub(crate) struct Parameter {
    path: PathBuf,
    before: String,
}

impl Parameter {
    pub(crate) fn of_scsi_debug(name: &str, value: &str) -> Self {
        Self::set(
            Path::new("/sys/bus/pseudo/drivers/scsi_debug").join(name),
            value,
        )
    }

    pub(crate) fn of_sg(name: &str, value: &str) -> Self {
        Self::set(Path::new("/sys/module/sg/parameters").join(name), value)
    }

    fn set(path: PathBuf, value: &str) -> Self {
        let before = fs::read_to_string(&path).expect("a parameter");
        let parameter = Self { path, before };
        parameter.write(value);
        parameter
    }

    /// Some are not changed while commands are in flight, such as those by which the kernel looks at new disks.
    fn write(&self, value: &str) {
        until(|| match fs::write(&self.path, value.trim()) {
            Ok(()) => Some(()),
            Err(error) => {
                let busy = error.raw_os_error() == Some(libc::EBUSY);
                assert!(busy, "{}: {error}", self.path.display());
                None
            }
        });
    }
}

impl Drop for Parameter {
    fn drop(&mut self) {
        self.write(&self.before);
    }
}

/// Waits for something of the kernel's that nobody tells of.
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        std::thread::yield_now();
    }
}
