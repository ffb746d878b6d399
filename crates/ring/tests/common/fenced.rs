//! Heap words that watch their queue.

use sgring_ring::{Consumer, Heap, Producer, Words};

/// Heap words that panic at an index past the entries, behind which [`Heap`] keeps the flag.
#[derive(Clone)]
pub(crate) struct Fenced(Heap);

impl Words for Fenced {
    type Word = <Heap as Words>::Word;

    fn entries(&self) -> usize {
        self.0.entries()
    }

    fn entry(&self, index: usize) -> &Self::Word {
        assert!(
            index < self.entries(),
            "entry {index} of {}",
            self.entries()
        );
        self.0.entry(index)
    }

    fn armed(&self) -> &Self::Word {
        self.0.armed()
    }
}

/// A queue over such words, and the words.
pub(crate) fn fenced(entries: usize) -> (Fenced, Producer<Fenced>, Consumer<Fenced>) {
    let words = Fenced(Heap::new(entries));
    (
        words.clone(),
        Producer::new(words.clone()),
        Consumer::new(words),
    )
}
