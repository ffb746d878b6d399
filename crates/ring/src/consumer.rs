//! The side that consumes.

use crate::entry::{PAYLOAD_MASK, index, lap, lap_of};
use crate::order::{FLAG, consume, fence_before_the_last_look};
use crate::words::{Word, Words};
use core::fmt;
use sgring_kill_points::kill_point;

/// The consuming side of a queue. There is one, and it belongs to one thread at a time.
#[derive(Debug)]
pub struct Consumer<W> {
    words: W,
    /// How many entries were consumed: private, and read by nobody else.
    position: u64,
}

/// The producer stored a word that is neither the next entry nor what was there before it: it is broken or hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Corrupt {
    /// The word as it was found.
    pub word: u64,
    /// The lap that the next entry would have had.
    pub expected_lap: u16,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "queue entry {:#018x} is not of lap {:#x}",
            self.word, self.expected_lap
        )
    }
}

impl std::error::Error for Corrupt {}

impl<W: Words> Consumer<W> {
    /// The consumer of a queue whose words are all zero.
    pub fn new(words: W) -> Self {
        Self { words, position: 0 }
    }

    /// Takes the next payload, if it was published; all that its producer wrote before is then visible.
    ///
    /// # Errors
    ///
    /// [`Corrupt`] if the word there cannot come from a producer that keeps the rules. The queue is then worthless.
    pub fn consume(&mut self) -> Result<Option<u64>, Corrupt> {
        let next = self.peek()?;
        if next.is_some() {
            self.position = self.position.wrapping_add(1);
        }
        Ok(next)
    }

    /// Announces that this side wants to be rung before its next [`Consumer::consume`], and says whether it may sleep.
    ///
    /// `false`: an entry came meanwhile, and the announcement is taken back. A ring may come all the same if the producer was faster.
    ///
    /// # Errors
    ///
    /// As [`Consumer::consume`].
    pub fn arm(&mut self) -> Result<bool, Corrupt> {
        self.words.armed().store(1, FLAG);
        kill_point();
        // [sleep] Store the flag, then load the entry: the argument stands at `Producer::must_ring`.
        fence_before_the_last_look();
        let empty = self.peek()?.is_none();
        if !empty {
            self.disarm();
        }
        Ok(empty)
    }

    /// Takes the announcement back: this side looks by itself again.
    pub fn disarm(&mut self) {
        self.words.armed().store(0, FLAG);
        kill_point();
    }

    fn peek(&self) -> Result<Option<u64>, Corrupt> {
        let len = self.words.entries();
        let expected_lap = lap(self.position, len);
        // [entry] Loaded once; only this copy is looked at. What the producer wrote before the entry is visible behind it.
        let word = self.words.entry(index(self.position, len)).load(consume());
        match lap_of(word) {
            found if found == expected_lap => Ok(Some(word & PAYLOAD_MASK)),
            found if found == expected_lap.wrapping_sub(1) => Ok(None),
            _ => Err(Corrupt { word, expected_lap }),
        }
    }
}
