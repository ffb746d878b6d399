//! What a program may still do: files, capabilities, new privileges.
//!
//! Landlock and capabilities belong to a thread, which can only restrict itself and what it starts later (landlock(7), capabilities(7)); and
//! a program such as Node has threads before its first line runs. So nothing is taken from a program that runs: [`Confinement::exec`]
//! restricts the calling thread, and has it start the program anew in the same process. execve(2) ends every other thread, and whichever
//! there is from then on was born restricted.
//!
//! | module | what |
//! |---|---|
//! | [`fence`] | which files and folders can be opened, for what (Landlock) |
//! | [`capabilities`] | which capabilities are kept, by whom they are needed |
//!
//! Linux only. A kernel without Landlock has no fence; the rest is done all the same. And no fence holds off chmod(2), chown(2), utime(2) and
//! setxattr(2), which Landlock knows nothing of: there the user's own rights, and the capabilities that are kept, are all that bounds a program.

pub mod capabilities;
mod error;
pub mod fence;

pub use capabilities::Capability;
pub use error::ConfineError;
pub use fence::{Access, landlock_abi};

use std::{
    convert::Infallible,
    ffi::OsString,
    os::{fd::RawFd, unix::process::CommandExt},
    path::PathBuf,
    process::Command,
};

/// What a program is confined to.
#[derive(Clone, Debug, Default)]
pub struct Confinement {
    /// What of the file system can be opened, for what. What is not there is passed over.
    pub paths: Vec<(PathBuf, Access)>,
    /// Capabilities to keep, as far as this process has them. Those that the paths take beyond the user's own rights are kept besides:
    /// CAP_DAC_OVERRIDE or CAP_DAC_READ_SEARCH.
    pub keep: Vec<Capability>,
}

/// What is started anew.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
}

impl Confinement {
    /// Gives up whatever is not kept, for good, and starts the program in this process: returns only if that fails.
    ///
    /// What confines it: the fence, which denies besides the files all of TCP, Unix sockets and signals beyond it, as far as the kernel's
    /// Landlock goes (Unix sockets with a path from ABI 9 on); the capabilities, and the bounding set where this process may cut that; no_new_privs (prctl(2)). SIGHUP, SIGINT and SIGTERM end this process from
    /// the call on, and the standard streams block again.
    ///
    /// # Errors
    /// [`ConfineError`]. The calling thread may be restricted already then: what is left to do is to tell, and to end.
    pub fn exec(&self, program: &Program) -> Result<Infallible, ConfineError> {
        default_signals();
        let kept = capabilities::needed(&self.keep, &self.paths)?;
        let fence = fence::Fence::around(&self.paths)?;
        capabilities::keep(&kept)?;
        fence.close()?;
        for stream in 0..=2 {
            inherit(stream);
        }
        let failed = Command::new(&program.path)
            .args(&program.args)
            .env_clear()
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .exec();
        Err(ConfineError::Exec(failed))
    }
}

/// What comes from here on must not go to a handler that runs no more.
fn default_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the default action is no function of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// A standard stream stays open, and blocks, as whoever made it expects: libuv(7) has changed both for this program. One that is closed stays so.
fn inherit(stream: RawFd) {
    // SAFETY: a plain call on a number.
    let flags = unsafe { libc::fcntl(stream, libc::F_GETFL) };
    if flags < 0 {
        return;
    }
    // SAFETY: as above.
    unsafe { libc::fcntl(stream, libc::F_SETFL, flags & !libc::O_NONBLOCK) };
    // SAFETY: as above.
    unsafe { libc::fcntl(stream, libc::F_SETFD, 0) };
}
