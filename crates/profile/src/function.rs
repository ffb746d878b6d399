//! From addresses to functions.
//!
//! A function that was inlined is one of its own. What is inlined of the standard library belongs to the function that it stands in: that an
//! atomic load takes time says nothing, and where it stands does.

use std::collections::HashMap;
use std::ffi::c_void;
use std::path::Path;

/// A function's own time.
pub(crate) struct Function {
    pub(crate) name: String,
    /// File and line; empty for what is neither of the checkout nor of a crate that it takes.
    pub(crate) place: String,
    pub(crate) samples: usize,
}

/// A function that code stands in, and where in it.
struct Frame {
    name: String,
    /// Empty where it is not told.
    file: String,
    /// Not known of some instructions that the compiler has moved.
    line: Option<u32>,
}

/// The functions with most samples first. The line is where most of its samples are.
pub(crate) fn functions(addresses: impl Iterator<Item = usize>) -> Vec<Function> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for address in addresses {
        *counts.entry(address).or_default() += 1;
    }
    // By name and file, and of each the samples by line.
    let mut functions: HashMap<(String, String), HashMap<Option<u32>, usize>> = HashMap::new();
    for (address, samples) in counts {
        let Frame { name, file, line } = frame(address);
        let lines = functions.entry((name, file)).or_default();
        *lines.entry(line).or_default() += samples;
    }
    let functions = functions.into_iter().map(|((name, file), lines)| {
        let samples = lines.values().sum();
        let known = lines
            .into_iter()
            .filter_map(|(line, samples)| Some((samples, line?)));
        let place = match known.max() {
            Some((_, line)) if !file.is_empty() => format!("{file}:{line}"),
            _ => file,
        };
        Function {
            name,
            place,
            samples,
        }
    });
    let mut functions: Vec<_> = functions.collect();
    functions.sort_by(|one, other| {
        let by_name = || (&one.name, &one.place).cmp(&(&other.name, &other.place));
        other.samples.cmp(&one.samples).then_with(by_name)
    });
    functions
}

/// The innermost that has a file, else the innermost.
fn frame(address: usize) -> Frame {
    let mut frames = frames(address);
    let place = frames.iter().position(|frame| !frame.file.is_empty());
    if place.is_none() && frames.len() == 1 {
        frames[0].file = file_near(address, &frames[0].name);
    }
    let found = frames.into_iter().nth(place.unwrap_or(0));
    found.unwrap_or_else(|| Frame {
        name: "(no name)".into(),
        file: String::new(),
        line: None,
    })
}

/// The function that code is of, behind those that are inlined there, the innermost first.
fn frames(address: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    // It looks at the byte before, for it expects addresses that a call returns to.
    backtrace::resolve((address + 1) as *mut c_void, |symbol| {
        let name = symbol.name().map(|name| plain(&format!("{name:#}")));
        let file = symbol.filename().and_then(told).unwrap_or_default();
        let line = symbol.lineno();
        frames.extend(name.map(|name| Frame { name, file, line }));
    });
    frames
}

/// Of an instruction that the compiler has moved not even the file may be told: it is that of the code right before, if that is of the same
/// function.
fn file_near(address: usize, name: &str) -> String {
    const NEAR: usize = 64;
    let before = |back| frames(address.checked_sub(back)?).pop();
    let same = |frame: &Frame| frame.name == name && !frame.file.is_empty();
    let near = (1..=NEAR).filter_map(before).find(same);
    near.map(|frame| frame.file).unwrap_or_default()
}

/// A name without what its types stand for, so that a function is one for whatever types it is compiled; a trait's is told with those that it
/// belongs to.
fn plain(name: &str) -> String {
    // `<Type as Trait>::function`, `module::<impl Trait for Type>::function`
    if name.starts_with('<') || name.contains("<impl ") {
        return name.into();
    }
    let (mut plain, mut depth, mut before) = (String::new(), 0, ' ');
    for character in name.chars() {
        match character {
            '<' => depth += 1,
            // Not that of `fn() -> Type`.
            '>' if before != '-' => depth -= 1,
            other if depth == 0 => plain.push(other),
            _ => {}
        }
        before = character;
    }
    // `Type::<T>::function::<T>`
    plain.replace("::::", "::").trim_end_matches("::").into()
}

/// A file as it is told: from the checkout on, or from a crate on. Nothing of the standard library, nor of the machine.
fn told(file: &Path) -> Option<String> {
    // `CHECKOUT/crates/profile`
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    if let Ok(told) = file.strip_prefix(checkout) {
        return Some(told.to_str()?.to_owned());
    }
    // `~/.cargo/registry/src/REGISTRY/CRATE-VERSION/src/…`
    let (_, behind) = file.to_str()?.split_once("/registry/src/")?;
    Some(behind.split_once('/')?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{plain, told};
    use std::path::Path;

    #[test]
    fn a_name_has_no_types_but_the_one_that_it_begins_with() {
        for (name, wanted) in [
            ("recv", "recv"),
            ("look<task::{impl#1}::reap::{closure_env#0}>", "look"),
            ("vec::Vec<T, A>::push<fn(u8) -> T>", "vec::Vec::push"),
            ("vec::Vec::<T>::push::<u8>", "vec::Vec::push"),
            (
                "iter::<impl Step for u64>::next",
                "iter::<impl Step for u64>::next",
            ),
            (
                "<ring::Words<u8> as Drop>::drop",
                "<ring::Words<u8> as Drop>::drop",
            ),
        ] {
            assert_eq!(plain(name), wanted);
        }
    }

    #[test]
    fn places_tell_nothing_of_the_machine() {
        let told = |file: &str| told(Path::new(file));
        let registry =
            "/home/somebody/.cargo/registry/src/index.crates.io-1a/rtrb-0.4.1/src/lib.rs";
        assert_eq!(told(registry).as_deref(), Some("rtrb-0.4.1/src/lib.rs"));
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/src/function.rs");
        assert_eq!(told(own).as_deref(), Some("crates/profile/src/function.rs"));
        let library = "/rustc/1a2b/library/core/src/sync/atomic.rs";
        assert_eq!((told(library), told("/home/somebody/a.rs")), (None, None));
    }
}
