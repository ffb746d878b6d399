//! Memory that two processes share, and the sockets by which they find it, ring each other and notice an end.
//!
//! | module | what |
//! |---|---|
//! | [`memfd`] | the segment's file: made sealed, and checked before it is believed |
//! | [`mapping`] | the one owner of mapped bytes; all mapping of shared memory happens here |
//! | [`socket`] | connecting, peer credentials, a descriptor sent with bytes |
//! | [`bell`] | one byte on a socket: "look at the ring" |
//! | [`access`] | which users and groups may connect, and for what |
//! | [`account`] | users and groups by their names |
//! | [`handshake`] | the two 64-byte records with which a connection begins |
//! | [`listener`] | a target's front door: a thread that lets in what passes every check |
//!
//! The order of a connection: the client makes a segment ([`memfd::create`]), maps it, connects
//! ([`socket::connect`]) and sends a [`Hello`] with the descriptor. The [`Listener`] checks the peer's user, the
//! record, the seals and the size, maps the segment and hands an [`Arrival`] to its owner, who answers a
//! [`Welcome`] or a [`Refusal`]. From then on the socket is the pair's bell, and its hang-up the pair's end.
//!
//! Nothing here knows what the bytes of a segment mean. Linux only.

pub mod access;
pub mod account;
mod address;
pub mod bell;
mod error;
pub mod handshake;
pub mod listener;
pub mod mapping;
pub mod memfd;
mod pace;
mod reception;
pub mod socket;

pub use access::{Access, Grant};
pub use bell::{Bell, bell_pair};
pub use error::{HandshakeFault, SegmentFault, ShmError};
pub use handshake::{Hello, PROTOCOL_VERSION, RECORD_BYTES, Refusal, Welcome};
pub use listener::{Arrival, ListenOptions, Listener, SocketFile};
pub use mapping::Mapping;
pub use socket::PeerCredentials;
