//! The two records with which a connection begins. Each is 64 bytes, all numbers little-endian.
//!
//! ```text
//! Hello     0  magic 'SGRINGHI'   8  version u32   12 slots u32   16 required_features u64
//!           24 arena_bytes u32    28 epoch u32     32 token       48 returning u32   52 zeros
//! Welcome   0  magic 'SGRINGOK'   8  version u32   12 code u32    16 features u64
//!           24 nexus u32          28 pair u32      32 token       48 zeros
//! ```
//!
//! Magic, version and code keep their places in every version: so a side can always say, and read, that the versions differ.

use crate::error::{HandshakeFault, ShmError};

/// The version of the records and of what follows them.
pub const PROTOCOL_VERSION: u32 = 1;

/// Of [`Welcome::features`]: the target keeps a ledger, and the pair may come back to the one that follows it.
pub const FEATURE_RETURNS: u64 = 1;
/// Bytes of a record.
pub const RECORD_BYTES: usize = 64;

const HELLO_MAGIC: [u8; 8] = *b"SGRINGHI";
const WELCOME_MAGIC: [u8; 8] = *b"SGRINGOK";

/// What a client says first, with the segment's descriptor beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the client.
    pub version: u32,
    /// Slots of the pair's queues.
    pub slots: u32,
    /// Feature bits without which the client cannot go on.
    pub required_features: u64,
    /// Bytes of the segment's arena.
    pub arena_bytes: u32,
    /// How often the client has handed this segment over; words of earlier epochs are void.
    pub epoch: u32,
    /// Names the nexus to join; zeros ask for a new one.
    pub token: [u8; 16],
    /// The number that this pair had in that nexus with an earlier target, which died; 0 on the wire for none, else one more.
    pub returning: Option<PairNumber>,
}

/// A pair's number in its nexus: 31 bits, as many as a tag has for it (`ts/ring/tags.ts`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairNumber(u32);

impl PairNumber {
    /// The greatest one. There is room for one more than it, where 0 means none.
    pub const MAX: Self = Self(u32::MAX >> 1);

    /// `None` for a number of more bits.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What a target answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// [`PROTOCOL_VERSION`] of the target.
    pub version: u32,
    /// 0 is a welcome; anything else is a [`Refusal`], perhaps one of a later version.
    pub code: u32,
    /// Feature bits that this target knows.
    pub features: u64,
    /// Number of the nexus in the target.
    pub nexus: u32,
    /// Number of the pair in its nexus.
    pub pair: PairNumber,
    /// With this, further pairs join the nexus.
    pub token: [u8; 16],
}

/// Why a target does not let a client in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[non_exhaustive]
pub enum Refusal {
    /// The versions differ; [`Welcome::version`] is the target's.
    Version = 1,
    /// A required feature is unknown; [`Welcome::features`] are those known.
    Feature = 2,
    /// The client's user is not allowed here.
    NotAllowed = 3,
    /// The descriptor is no segment of the size that the hello asks for.
    Segment = 4,
    /// The target has as many connections as it was allowed.
    Limit = 5,
    /// The token names no nexus, or one of another user.
    Join = 6,
    /// No hello: wrong magic, reserved bits, none or several descriptors, or not whole in time.
    Malformed = 7,
    /// The target is going away.
    Closing = 8,
}

impl Hello {
    /// The record as it is sent.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        put(&mut record, 0, HELLO_MAGIC);
        put(&mut record, 8, self.version.to_le_bytes());
        put(&mut record, 12, self.slots.to_le_bytes());
        put(&mut record, 16, self.required_features.to_le_bytes());
        put(&mut record, 24, self.arena_bytes.to_le_bytes());
        put(&mut record, 28, self.epoch.to_le_bytes());
        put(&mut record, 32, self.token);
        let returning = self.returning.map_or(0, |pair| pair.number() + 1);
        put(&mut record, 48, returning.to_le_bytes());
        record
    }

    /// Reads a record of this version.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with: `Malformed`, or `Version` for a record of another one.
    pub fn decode(record: &[u8; RECORD_BYTES]) -> Result<Self, Refusal> {
        if take::<8>(record, 0) != HELLO_MAGIC {
            return Err(Refusal::Malformed);
        }
        let version = u32::from_le_bytes(take(record, 8));
        if version != PROTOCOL_VERSION {
            return Err(Refusal::Version);
        }
        if take::<12>(record, 52) != [0; 12] {
            return Err(Refusal::Malformed);
        }
        let returning = match u32::from_le_bytes(take(record, 48)).checked_sub(1) {
            None => None,
            Some(number) => Some(PairNumber::new(number).ok_or(Refusal::Malformed)?),
        };
        Ok(Self {
            version,
            slots: u32::from_le_bytes(take(record, 12)),
            required_features: u64::from_le_bytes(take(record, 16)),
            arena_bytes: u32::from_le_bytes(take(record, 24)),
            epoch: u32::from_le_bytes(take(record, 28)),
            token: take(record, 32),
            returning,
        })
    }
}

impl Welcome {
    /// The answer of a target with these `features` that does not let a client in.
    #[must_use]
    pub fn refused(refusal: Refusal, features: u64) -> Self {
        Self {
            version: PROTOCOL_VERSION,
            code: refusal as u32,
            features,
            nexus: 0,
            pair: PairNumber::default(),
            token: [0; 16],
        }
    }

    /// The record as it is sent.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        put(&mut record, 0, WELCOME_MAGIC);
        put(&mut record, 8, self.version.to_le_bytes());
        put(&mut record, 12, self.code.to_le_bytes());
        put(&mut record, 16, self.features.to_le_bytes());
        put(&mut record, 24, self.nexus.to_le_bytes());
        put(&mut record, 28, self.pair.number().to_le_bytes());
        put(&mut record, 32, self.token);
        record
    }

    /// Reads a record. Of another version only `version` and `code` mean something.
    ///
    /// # Errors
    /// [`ShmError::Handshake`] if it is none.
    pub fn decode(record: &[u8; RECORD_BYTES]) -> Result<Self, ShmError> {
        if take::<8>(record, 0) != WELCOME_MAGIC {
            return Err(ShmError::Handshake(HandshakeFault::Magic));
        }
        let version = u32::from_le_bytes(take(record, 8));
        if version == PROTOCOL_VERSION && take::<16>(record, 48) != [0; 16] {
            return Err(ShmError::Handshake(HandshakeFault::Reserved));
        }
        let pair = PairNumber::new(u32::from_le_bytes(take(record, 28)));
        if version == PROTOCOL_VERSION && pair.is_none() {
            return Err(ShmError::Handshake(HandshakeFault::PairNumber));
        }
        Ok(Self {
            version,
            code: u32::from_le_bytes(take(record, 12)),
            features: u64::from_le_bytes(take(record, 16)),
            nexus: u32::from_le_bytes(take(record, 24)),
            pair: pair.unwrap_or_default(),
            token: take(record, 32),
        })
    }
}

impl Refusal {
    /// The refusal that a [`Welcome::code`] stands for; `None` for 0 and for codes of later versions.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        const ALL: [Refusal; 8] = [
            Refusal::Version,
            Refusal::Feature,
            Refusal::NotAllowed,
            Refusal::Segment,
            Refusal::Limit,
            Refusal::Join,
            Refusal::Malformed,
            Refusal::Closing,
        ];
        ALL.into_iter().find(|refusal| *refusal as u32 == code)
    }

    /// The stable name of this refusal, as in the package's table of codes without its prefix.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Version => "VERSION",
            Self::Feature => "FEATURE",
            Self::NotAllowed => "PEER_NOT_ALLOWED",
            Self::Segment => "SEGMENT",
            Self::Limit => "LIMIT",
            Self::Join => "JOIN",
            Self::Malformed => "HANDSHAKE",
            Self::Closing => "NEXUS_LOST",
        }
    }
}

fn put<const N: usize>(record: &mut [u8; RECORD_BYTES], at: usize, bytes: [u8; N]) {
    record[at..at + N].copy_from_slice(&bytes);
}

fn take<const N: usize>(record: &[u8; RECORD_BYTES], at: usize) -> [u8; N] {
    std::array::from_fn(|i| record[at + i])
}
