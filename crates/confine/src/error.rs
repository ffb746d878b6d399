//! What can go wrong here.

use std::{error::Error, fmt, io};

/// Why a program was not confined.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfineError {
    /// The kernel did not take the fence.
    Fence(landlock::RulesetError),
    /// A capability could not be given up.
    Capabilities(caps::errors::CapsError),
    /// The program could not be started anew.
    Exec(io::Error),
}

impl ConfineError {
    /// The stable name of this error, as in the package's table of codes without its prefix.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "SYSTEM"
    }
}

impl fmt::Display for ConfineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fence(source) => write!(f, "no fence (Landlock): {source}"),
            Self::Capabilities(source) => write!(f, "capabilities: {source}"),
            Self::Exec(source) => write!(f, "execve: {source}"),
        }
    }
}

impl Error for ConfineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Fence(source) => Some(source),
            Self::Capabilities(source) => Some(source),
            Self::Exec(source) => Some(source),
        }
    }
}

impl From<landlock::RulesetError> for ConfineError {
    fn from(source: landlock::RulesetError) -> Self {
        Self::Fence(source)
    }
}

impl From<caps::errors::CapsError> for ConfineError {
    fn from(source: caps::errors::CapsError) -> Self {
        Self::Capabilities(source)
    }
}
