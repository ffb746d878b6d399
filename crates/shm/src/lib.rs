//! Memory that two processes share, and the sockets by which they find it, ring each other and notice an end.
//!
//! | module | what |
//! |---|---|
//! | [`memfd`] | the segment's file: made sealed, and checked before it is believed |
//! | [`region`] | mapped bytes: the one call of mmap(2) for what is shared |
//! | [`mapping`] | the one owner of a segment's bytes; all mapping of segments happens here |
//! | [`kept`] | private files: a mapping that outlives its process, and a lock |
//! | [`process`] | whether a peer's process lives |
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
pub mod kept;
pub mod listener;
pub mod mapping;
pub mod memfd;
mod pace;
pub mod process;
mod reception;
pub mod region;
pub mod socket;

pub use access::{Access, Grant};
pub use bell::{Bell, Farewell, bell_pair};
pub use error::{HandshakeFault, SegmentFault, ShmError};
pub use handshake::{Hello, PROTOCOL_VERSION, PairNumber, RECORD_BYTES, Refusal, Welcome};
pub use kept::{FileLock, KeptFile};
pub use listener::{Arrival, ListenOptions, Listener, SocketFile};
pub use mapping::Mapping;
pub use process::PeerProcess;
pub use region::Region;
pub use socket::PeerCredentials;
