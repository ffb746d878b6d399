//! One exchange on any queue of numbers.
//!
//! Payloads stand in places of shared memory; a queue carries the number of a place there, and back. Where there is no payload, the number
//! is the request itself. So the queues differ, and nothing else does.

use crate::exchange::{Client, Group, Maker, Server, Setting};
use crate::fail;
use crate::memory::Places;
use std::collections::VecDeque;

/// One end takes numbers in, in batches. A number has 48 bits.
pub(crate) trait Sender {
    /// Lists a number. There is room: the exchange sees to it that a queue of its length is never full.
    fn push(&mut self, number: u64);
    /// Makes what was listed visible.
    fn publish(&mut self) {}
    /// System calls so far.
    fn calls(&self) -> u64 {
        0
    }
}

/// The other gives them out.
pub(crate) trait Receiver {
    /// Takes all that are there, as [`Client::take`].
    fn pop(&mut self, taken: impl FnMut(u64));
    /// System calls so far.
    fn calls(&self) -> u64 {
        0
    }
}

/// The client's side of an exchange on two queues.
pub(crate) struct QueueClient<S, R> {
    requests: S,
    responses: R,
    places: Option<ClientPlaces>,
}

/// Where a client's payloads are.
struct ClientPlaces {
    places: Places,
    free: Vec<u64>,
    /// Whose payload is in its first place, and in those behind it.
    tags: Vec<u64>,
    first: u64,
}

/// The server's side.
pub(crate) struct QueueServer<S, R> {
    requests: R,
    responses: S,
    places: Option<ServerPlaces>,
}

/// Where a server finds the payloads of its clients.
struct ServerPlaces {
    places: Places,
    /// As the server's own.
    buffer: Vec<u8>,
    /// The places of the requests that were taken, in the order in which they are answered.
    taken: VecDeque<u64>,
}

/// Both sides, on a queue for requests and one for responses; `queue` makes one of at least this length.
pub(crate) fn exchange<S: Sender, R: Receiver>(
    setting: &Setting,
    mut queue: impl FnMut(usize) -> (S, R),
) -> (QueueClient<S, R>, QueueServer<S, R>) {
    let count = setting.depth;
    let places = (setting.payload > 0).then(|| Places::new(count, setting.payload));
    let (request_in, request_out) = queue(count);
    let (response_in, response_out) = queue(count);
    let client = QueueClient {
        requests: request_in,
        responses: response_out,
        places: places.clone().map(|places| places_of(0, count, places)),
    };
    let server = QueueServer {
        requests: request_out,
        responses: response_in,
        places: places.map(|places| ServerPlaces::new(places, setting)),
    };
    (client, server)
}

/// A server whose clients all send their requests into one queue; each has a queue of its own for its responses.
pub(crate) struct Funnel<S, R> {
    requests: R,
    responses: Vec<S>,
    places: ServerPlaces,
    depth: usize,
}

/// As [`exchange`], with clones of one queue's end for all clients. Requests have payloads.
pub(crate) fn funnel<S: Sender + Clone + Send + 'static, R: Receiver + Send + 'static>(
    setting: &Setting,
    mut queue: impl FnMut(usize) -> (S, R),
) -> Group<QueueClient<S, R>, Funnel<S, R>> {
    let Setting {
        depth, producers, ..
    } = *setting;
    let places = Places::new(depth * producers, setting.payload);
    let (request_in, requests) = queue(depth * producers);
    let mut responses = Vec::with_capacity(producers);
    let client = |index| {
        let (response_in, response_out) = queue(depth);
        responses.push(response_in);
        let client = QueueClient {
            requests: request_in.clone(),
            responses: response_out,
            places: Some(places_of(index * depth, depth, places.clone())),
        };
        let client: Maker<QueueClient<S, R>> = Box::new(move || client);
        client
    };
    let clients = (0..producers).map(client).collect();
    let server = Funnel {
        requests,
        responses,
        places: ServerPlaces::new(places, setting),
        depth,
    };
    Group {
        clients,
        servers: vec![Box::new(move || server)],
    }
}

fn places_of(first: usize, count: usize, places: Places) -> ClientPlaces {
    let first = first as u64;
    ClientPlaces {
        places,
        free: (first..first + count as u64).collect(),
        tags: vec![0; count],
        first,
    }
}

impl ClientPlaces {
    /// A free place, with the payload in it.
    fn fill(&mut self, tag: u64, payload: &[u8]) -> u64 {
        let Some(place) = self.free.pop() else {
            fail("more requests than places");
        };
        self.tags[(place - self.first) as usize] = tag;
        self.places.write(place as usize, tag, payload);
        place
    }

    /// Whose place it was; it is free again.
    fn take_home(&mut self, place: u64) -> u64 {
        self.free.push(place);
        match self.tags.get(place.wrapping_sub(self.first) as usize) {
            Some(tag) => *tag,
            None => fail(format_args!("place {place} is not this client's")),
        }
    }
}

impl ServerPlaces {
    fn new(places: Places, setting: &Setting) -> Self {
        Self {
            places,
            buffer: vec![0; setting.payload],
            taken: VecDeque::with_capacity(setting.depth * setting.producers),
        }
    }

    /// Copies what stands in a place, which is answered in its turn.
    fn take(&mut self, place: u64, request: &mut impl FnMut(u64, &[u8])) {
        let (tag, len) = self.places.read(place as usize, &mut self.buffer);
        self.taken.push_back(place);
        request(tag, &self.buffer[..len]);
    }

    fn next(&mut self) -> u64 {
        match self.taken.pop_front() {
            Some(place) => place,
            None => fail("more responses than requests"),
        }
    }
}

impl<S: Sender, R: Receiver> Client for QueueClient<S, R> {
    fn send(&mut self, tag: u64, payload: &[u8]) {
        let number = match &mut self.places {
            None => tag,
            Some(places) => places.fill(tag, payload),
        };
        self.requests.push(number);
    }

    fn flush(&mut self) {
        self.requests.publish();
    }

    fn take(&mut self, mut response: impl FnMut(u64)) {
        match &mut self.places {
            None => self.responses.pop(response),
            Some(places) => self
                .responses
                .pop(|place| response(places.take_home(place))),
        }
    }

    fn calls(&self) -> u64 {
        self.requests.calls() + self.responses.calls()
    }
}

impl<S: Sender, R: Receiver> Server for QueueServer<S, R> {
    fn take(&mut self, mut request: impl FnMut(u64, &[u8])) {
        match &mut self.places {
            None => self.requests.pop(|tag| request(tag, &[])),
            Some(places) => self.requests.pop(|place| places.take(place, &mut request)),
        }
    }

    fn answer(&mut self, tag: u64) {
        let number = match &mut self.places {
            None => tag,
            Some(places) => places.next(),
        };
        self.responses.push(number);
    }

    fn flush(&mut self) {
        self.responses.publish();
    }

    fn calls(&self) -> u64 {
        self.requests.calls() + self.responses.calls()
    }
}

impl<S: Sender, R: Receiver> Server for Funnel<S, R> {
    fn take(&mut self, mut request: impl FnMut(u64, &[u8])) {
        let Self {
            requests, places, ..
        } = self;
        requests.pop(|place| places.take(place, &mut request));
    }

    fn answer(&mut self, _tag: u64) {
        let place = self.places.next();
        self.responses[place as usize / self.depth].push(place);
    }

    fn flush(&mut self) {
        self.responses.iter_mut().for_each(Sender::publish);
    }

    fn calls(&self) -> u64 {
        let responses: u64 = self.responses.iter().map(Sender::calls).sum();
        self.requests.calls() + responses
    }
}
