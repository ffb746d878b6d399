//! The side that publishes.

use crate::entry::{index, lap, word};
use crate::order::{FLAG, fence_before_looking_at_the_flag, publish};
use crate::words::{Word, Words};
use sgring_kill_points::kill_point;

/// The publishing side of a queue. There is one, and it belongs to one thread at a time.
#[derive(Debug)]
pub struct Producer<W> {
    words: W,
    /// How many entries were published: private, and read by nobody else.
    position: u64,
}

impl<W: Words> Producer<W> {
    /// The producer of a queue whose words are all zero.
    pub fn new(words: W) -> Self {
        Self { words, position: 0 }
    }

    /// Publishes `payload`, of which the low [`crate::PAYLOAD_BITS`] bits count, together with everything written before.
    ///
    /// The caller sees to it that fewer entries than the queue is long are published and not consumed (crate docs, "overrunning").
    pub fn publish(&mut self, payload: u64) {
        let len = self.words.entries();
        let entry = self.words.entry(index(self.position, len));
        // [entry] Who sees the lap sees what was written before it.
        entry.store(word(lap(self.position, len), payload), publish());
        kill_point();
        self.position = self.position.wrapping_add(1);
    }

    /// Whether the consumer sleeps and it is for this caller to ring it: to be asked once after a batch of [`Producer::publish`].
    ///
    /// Each sleep is answered by `true` once, whoever asks how often.
    #[must_use]
    pub fn must_ring(&self) -> bool {
        // [sleep] Store the entry, then load the flag: without the fence a processor may do the load first (store buffering), see a
        // consumer that is still awake, and not ring, while that consumer, in the mirror image, looks at the entry before its flag
        // is out, and sleeps. With a SeqCst fence on both sides one of the two fences comes first in the one order of all such
        // fences, and what was stored before it is seen by the loads behind the other.
        fence_before_looking_at_the_flag();
        let armed = self.words.armed();
        // One sleep is one 1, and who replaces it rings: who comes too late stores nothing, and cannot hide the next sleep's.
        let won = armed.load(FLAG) == 1 && armed.replace(1, 0, FLAG);
        kill_point();
        won
    }
}
