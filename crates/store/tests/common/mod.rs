//! What the suites share: places to put files, spans over buffers, and ways to run a test where it has a disk of its own.

#![allow(dead_code, unreachable_pub, reason = "each suite takes what it needs")]

use sgring_store::{Access, Durability, Errno, Span, Store, Zeros};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A directory that goes with its value.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// One on tmpfs, where the system has that for everybody.
    pub fn in_memory() -> Self {
        let shared = Path::new("/dev/shm");
        if shared.is_dir() {
            return Self::within(shared);
        }
        Self::new()
    }

    pub fn within(folder: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "sgring-store-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Relaxed)
        );
        let path = folder.join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A new file store of this many zero bytes.
pub fn create(path: &Path, len_bytes: u64) -> Store {
    Store::open(path, Access::Create { len_bytes }).unwrap()
}

/// The same, mapped. `None`, and a visible skip, where it is not on tmpfs.
pub fn create_mapped(path: &Path, len_bytes: u64) -> Option<Store> {
    drop(create(path, len_bytes));
    let store = open_mapped(path);
    if try_read(&store, 0, &mut []).is_none() {
        skip("needs a tmpfs at /dev/shm");
        return None;
    }
    Some(store)
}

/// The one that is there, with its intent beside it.
pub fn open_mapped(path: &Path) -> Store {
    Store::open_mapped(path, &intent_of(path)).unwrap()
}

/// Where the intent of a mapped file is.
pub fn intent_of(path: &Path) -> PathBuf {
    path.with_extension("intent")
}

/// [`Store::read`] into slices, which Rust keeps alive and to ourselves.
pub fn read(store: &Store, offset: u64, into: &mut [&mut [u8]]) -> Result<(), Errno> {
    // SAFETY: the spans are those of exclusive borrows.
    unsafe { store.read(offset, &spans_of(into)) }
}

/// [`Store::try_read`] into slices.
pub fn try_read(store: &Store, offset: u64, into: &mut [&mut [u8]]) -> Option<Result<(), Errno>> {
    // SAFETY: the spans are those of exclusive borrows.
    unsafe { store.try_read(offset, &spans_of(into)) }
}

/// [`Store::write`] from slices.
pub fn write(
    store: &Store,
    offset: u64,
    from: &[&[u8]],
    durability: Durability,
) -> Result<(), Errno> {
    // SAFETY: the spans are those of borrows, and a write only reads them.
    unsafe { store.write(offset, &constant_spans_of(from), durability) }
}

/// [`Store::try_write`] from slices.
pub fn try_write(store: &Store, offset: u64, from: &[&[u8]]) -> Option<Result<(), Errno>> {
    // SAFETY: the spans are those of borrows, and a write only reads them.
    unsafe { store.try_write(offset, &constant_spans_of(from)) }
}

/// [`Store::compare`] with slices.
pub fn compare(store: &Store, offset: u64, len: u64, with: &[&[u8]]) -> Result<u64, Errno> {
    // SAFETY: the spans are those of borrows, and are only read.
    unsafe { store.compare(offset, len, &constant_spans_of(with)) }
}

/// [`Store::compare_and_write`] from slices.
pub fn compare_and_write(
    store: &Store,
    offset: u64,
    from: &[&[u8]],
    durability: Durability,
) -> Result<u64, Errno> {
    // SAFETY: the spans are those of borrows, and are only read.
    unsafe { store.compare_and_write(offset, &constant_spans_of(from), durability) }
}

/// [`Store::or_write`] from slices.
pub fn or_write(
    store: &Store,
    offset: u64,
    from: &[&[u8]],
    durability: Durability,
) -> Result<(), Errno> {
    // SAFETY: the spans are those of borrows, and are only read.
    unsafe { store.or_write(offset, &constant_spans_of(from), durability) }
}

/// [`Store::fill`] from slices.
pub fn fill(
    store: &Store,
    offset: u64,
    len: u64,
    with: &[&[u8]],
    zeros: Zeros,
) -> Result<(), Errno> {
    // SAFETY: the spans are those of borrows, and are only read.
    unsafe { store.fill(offset, len, &constant_spans_of(with), zeros) }
}

/// A range, in a buffer of its own.
pub fn read_vec(store: &Store, offset: u64, len: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0xee; len];
    read(store, offset, &mut [&mut bytes]).map(|()| bytes)
}

fn spans_of(slices: &mut [&mut [u8]]) -> Vec<Span> {
    let span = |slice: &mut &mut [u8]| Span {
        ptr: slice.as_mut_ptr(),
        len: slice.len(),
    };
    slices.iter_mut().map(span).collect()
}

fn constant_spans_of(slices: &[&[u8]]) -> Vec<Span> {
    let span = |slice: &&[u8]| Span {
        ptr: slice.as_ptr().cast_mut(),
        len: slice.len(),
    };
    slices.iter().map(span).collect()
}

/// Says on the terminal, which libtest would otherwise keep quiet, what was not tested and why.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "{test}: SKIPPED: {why}");
}

/// Runs `body` in a process of its own, with a directory on a file system of 1 MiB. What it mounts nobody else sees.
///
/// It starts this executable once more, for `test` alone, under `unshare(1)`.
pub fn on_a_small_disk(test: &str, body: impl FnOnce(&Path)) {
    if let Some(directory) = std::env::var_os("SGRING_STORE_SMALL_DISK") {
        return body(Path::new(&directory));
    }
    let directory = Directory::new();
    let mount = "mount -t tmpfs -o size=1m sgring \"$SGRING_STORE_SMALL_DISK\" && exec \"$@\"";
    // Root needs no user namespace, and could not use devices in one.
    let flags = if is_root() { "-m" } else { "-Urm" };
    let run = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args([flags, "sh", "-c", mount, "sh"])
            .arg(program)
            .args(arguments);
        command
            .env("SGRING_STORE_SMALL_DISK", &directory.0)
            .output()
    };
    match run(Path::new("true"), &[]) {
        Ok(probe) if probe.status.success() => {}
        _ => return skip("needs `unshare` of util-linux and the right to mount a tmpfs"),
    }
    let this = std::env::current_exe().unwrap();
    report(run(&this, &["--exact", test, "--nocapture"]).unwrap());
}

/// Passes on what a test's second process printed, and fails if it failed or ran nothing.
pub fn report(output: std::process::Output) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    for line in stderr.lines().filter(|line| line.contains("SKIPPED")) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    let ran = stdout.contains("1 passed");
    assert!(
        output.status.success() && ran,
        "{}\n{stdout}\n{stderr}",
        output.status
    );
}

pub fn is_root() -> bool {
    // SAFETY: it reads a number.
    unsafe { libc::geteuid() == 0 }
}

/// A block device over a file, until dropped.
pub struct Loop(PathBuf);

impl Loop {
    /// `None`, and a visible skip, where that is not allowed.
    pub fn over(file: &Path) -> Option<Self> {
        let output = Command::new("losetup")
            .args(["--find", "--show"])
            .arg(file)
            .output();
        match output {
            Ok(output) if output.status.success() => Some(Self(
                String::from_utf8(output.stdout).unwrap().trim().into(),
            )),
            _ => {
                skip("needs root, `losetup` of util-linux and a loop device");
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.0)
            .status();
    }
}
