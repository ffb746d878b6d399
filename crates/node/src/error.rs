//! Codes that TypeScript turns into its errors. Only set-up calls throw; on the path of a command there are numbers.

use napi::Error;
use sgring_sg::Errno;
use sgring_shm::ShmError;
use sgring_store::StoreError;

/// An error whose status becomes `error.code`: a code of `ts/errors.ts` without its prefix.
pub(crate) type Coded = Error<&'static str>;

pub(crate) fn shm(error: ShmError) -> Coded {
    Coded::new(error.code(), error.to_string())
}

/// With the socket that it is about.
pub(crate) fn shm_at(path: &str, error: ShmError) -> Coded {
    Coded::new(error.code(), format!("{path}: {error}"))
}

pub(crate) fn store(error: StoreError) -> Coded {
    Coded::new(error.code(), error.to_string())
}

pub(crate) fn closed() -> Coded {
    Coded::new("CLOSED", "closed".to_owned())
}

pub(crate) fn argument(message: &str) -> Coded {
    Coded::new("INVALID_ARGUMENT", message.to_owned())
}

/// What napi-rs itself reports.
pub(crate) fn napi(error: Error) -> Coded {
    Coded::new("SYSTEM", error.to_string())
}

/// A system call on a device's node, with its path. The `cause` of the error that JavaScript gets has no more; so the number is in the text.
pub(crate) fn node(path: &str, Errno(errno): Errno) -> Coded {
    let code = match errno {
        libc::ENOENT | libc::ENXIO | libc::ENODEV => "NO_DEVICE",
        libc::EACCES | libc::EPERM | libc::EROFS => "NODE_DENIED",
        libc::EBUSY => "NODE_BUSY",
        _ => "SYSTEM",
    };
    Coded::new(code, format!("{path}: {}", Errno(errno)))
}
