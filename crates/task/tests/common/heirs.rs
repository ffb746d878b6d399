//! Targets that follow one another on one segment, and the ledger that the dead leave to the living.

use super::{Client, EPOCH, FEATURES, Server, sides::Heard};
use sgring_shm::{KeptFile, bell_pair};
use sgring_task::{LEDGER_RECORD_BYTES, LEDGER_RECORDS, LEDGER_STARTED, Ledger, Target};
use std::env::temp_dir;
use std::fs::{File, OpenOptions, remove_file};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::id;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The user whose pairs these are.
pub(crate) const USER: u32 = 1000;

/// A ledger's file, which outlives the target that has it mapped.
pub(crate) struct Memory {
    path: PathBuf,
    len: usize,
}

impl Memory {
    pub(crate) fn new(slots: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sgring-{}-{}", id(), COUNT.fetch_add(1, Relaxed));
        let path = temp_dir().join(name);
        let len = Ledger::bytes(slots);
        KeptFile::create(&path, len).expect("a file");
        Self { path, len }
    }

    /// As the next process maps it.
    pub(crate) fn again(&self) -> Arc<KeptFile> {
        let mapping = KeptFile::open(&self.path, self.len);
        Arc::new(mapping.expect("the file is there, and nobody else has it"))
    }

    /// Marks a task as started, as JavaScript does in place: the file and its mappings are the same pages.
    pub(crate) fn start(&self, slot: u16, generation: u16) {
        let at = LEDGER_RECORDS + usize::from(slot) * LEDGER_RECORD_BYTES;
        let mark = u32::from(generation) | u32::from(LEDGER_STARTED) << 16;
        let marked = self.file().write_all_at(&mark.to_le_bytes(), at as u64);
        marked.expect("room for a mark");
    }

    /// The file has these bytes, and no others; nobody has it mapped.
    pub(crate) fn fill(&self, bytes: &[u8]) {
        let file = self.file();
        file.write_all_at(bytes, 0).expect("room for them");
        file.set_len(bytes.len() as u64).expect("a file");
    }

    /// The file's mapping, if it is as long as it is to be.
    pub(crate) fn open(&self) -> Option<Arc<KeptFile>> {
        KeptFile::open(&self.path, self.len).ok().map(Arc::new)
    }

    fn file(&self) -> File {
        let file = OpenOptions::new().write(true).open(&self.path);
        file.expect("the file is there")
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        remove_file(&self.path).expect("the file is there");
    }
}

impl Server {
    /// A new pair's target keeps a ledger.
    pub(crate) fn keep(&mut self, memory: &Memory) {
        let slots = self.shared.geometry.slots();
        let ledger = Ledger::new(memory.again(), slots, EPOCH, USER, 0);
        self.pair.keep(ledger, false);
    }
}

/// The target dies: `client` hands its segment to the next one, which finds the ledger.
pub(crate) fn succeed(client: &mut Client, dying: Server, memory: &Memory, epoch: u32) -> Server {
    let there = dying.shared.clone();
    drop(dying);
    let (rings_server, server_hears) = bell_pair().expect("a socket pair");
    let (rings_client, client_hears) = bell_pair().expect("a socket pair");
    client.bell = Heard::new(client_hears);
    // SAFETY: the earlier target is dropped.
    unsafe { client.pair.resubmit(FEATURES, epoch, rings_server) };
    let mapping = Arc::clone(&there.mapping);
    let pair = Target::attach(mapping, there.geometry, FEATURES, epoch, rings_client);
    let mut server = Server {
        pair: pair.expect("a header that matches"),
        shared: there,
        bell: Heard::new(server_hears),
    };
    let slots = server.shared.geometry.slots();
    let ledger = Ledger::open(memory.again(), slots, epoch, USER);
    server
        .pair
        .keep(ledger.expect("a ledger of an earlier epoch"), true);
    server
}
