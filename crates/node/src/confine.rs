//! Give up what is not needed.

use crate::error::Coded;
use napi_derive::napi;
use sgring_confine::{Access, Capability, Confinement, Program, landlock_abi as abi};
use std::path::PathBuf;

/// Part of the file system.
#[napi(object)]
pub struct ConfinedPath {
    /// A file or folder.
    pub path: String,
    /// `read`, `write`, `fill` or `socket` (`sgring_confine::Access`).
    pub access: String,
}

/// What a program is confined to, and the program.
#[napi(object)]
pub struct ConfinedProgram {
    /// What of the file system it can open.
    pub paths: Vec<ConfinedPath>,
    /// Capabilities that it keeps: `CAP_SYS_RAWIO`.
    pub keep: Vec<String>,
    /// Its file.
    pub program: String,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment: `NAME=value`.
    pub env: Vec<String>,
}

/// The version of Landlock's interface that this kernel has; 0 if it has none.
#[napi(catch_unwind)]
pub fn landlock_abi() -> u32 {
    abi()
}

/// Starts a program in place of this one, confined. Returns only by an error, after which this process is of no use.
#[napi(catch_unwind)]
pub fn exec_confined(options: ConfinedProgram) -> Result<(), Coded> {
    let paths = (options.paths.into_iter())
        .map(|ConfinedPath { path, access }| Ok((PathBuf::from(path), access_named(&access)?)))
        .collect::<Result<_, Coded>>()?;
    let keep = (options.keep.iter())
        .map(|name| name.parse::<Capability>())
        .collect::<Result<_, _>>()
        .map_err(|error| crate::error::argument(&error.to_string()))?;
    let program = Program {
        path: options.program.into(),
        args: options.args.into_iter().map(Into::into).collect(),
        env: (options.env.iter())
            .filter_map(|entry| entry.split_once('='))
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    };
    match (Confinement { paths, keep }).exec(&program) {
        Ok(never) => match never {},
        Err(error) => Err(Coded::new(error.code(), error.to_string())),
    }
}

fn access_named(name: &str) -> Result<Access, Coded> {
    match name {
        "read" => Ok(Access::Read),
        "write" => Ok(Access::Write),
        "fill" => Ok(Access::Fill),
        "socket" => Ok(Access::Socket),
        _ => Err(crate::error::argument(
            "access is read, write, fill or socket",
        )),
    }
}
