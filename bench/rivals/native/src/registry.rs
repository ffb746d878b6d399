//! The registry's queues: `rtrb`, and `crossbeam-queue`'s `ArrayQueue`.

use crate::fail;
use crate::queues::{Receiver, Sender};
use crossbeam_queue::ArrayQueue;
use std::sync::Arc;

pub(crate) fn rtrb(count: usize) -> (rtrb::Producer<u64>, rtrb::Consumer<u64>) {
    rtrb::RingBuffer::new(count.next_power_of_two())
}

impl Sender for rtrb::Producer<u64> {
    fn push(&mut self, number: u64) {
        rtrb::Producer::push(self, number).unwrap_or_else(|error| fail(error));
    }
}

impl Receiver for rtrb::Consumer<u64> {
    fn pop(&mut self, taken: impl FnMut(u64)) {
        let count = self.slots();
        if count > 0 {
            let chunk = self.read_chunk(count).unwrap_or_else(|error| fail(error));
            chunk.into_iter().for_each(taken);
        }
    }
}

/// `rtrb` as it is fastest: what was listed is written as one chunk.
pub(crate) struct ChunkSender {
    producer: rtrb::Producer<u64>,
    listed: Vec<u64>,
}

pub(crate) fn rtrb_chunks(count: usize) -> (ChunkSender, rtrb::Consumer<u64>) {
    let (producer, consumer) = rtrb::RingBuffer::new(count.next_power_of_two());
    let listed = Vec::with_capacity(count);
    (ChunkSender { producer, listed }, consumer)
}

impl Sender for ChunkSender {
    fn push(&mut self, number: u64) {
        self.listed.push(number);
    }

    fn publish(&mut self) {
        let written = self.producer.push_entire_slice(&self.listed);
        written.unwrap_or_else(|error| fail(error));
        self.listed.clear();
    }
}

/// Either end of a queue of many producers and consumers.
#[derive(Clone)]
pub(crate) struct ArrayEnd(Arc<ArrayQueue<u64>>);

pub(crate) fn crossbeam(count: usize) -> (ArrayEnd, ArrayEnd) {
    let queue = Arc::new(ArrayQueue::new(count.next_power_of_two()));
    (ArrayEnd(Arc::clone(&queue)), ArrayEnd(queue))
}

impl Sender for ArrayEnd {
    fn push(&mut self, number: u64) {
        if self.0.push(number).is_err() {
            fail("a queue of as many entries as places is full");
        }
    }
}

impl Receiver for ArrayEnd {
    fn pop(&mut self, taken: impl FnMut(u64)) {
        core::iter::from_fn(|| self.0.pop()).for_each(taken);
    }
}
