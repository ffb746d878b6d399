//! The rules of a task's spelling, byte by byte: a second reading, to hold the first against.

use crate::forgery::ARENA;
use crate::pair::{Command, Shared};
use arbitrary::{Arbitrary, Result, Unstructured};

/// A task, mostly well spelt, so that each check is reached.
#[derive(Clone, Debug)]
pub(crate) struct Spelling(pub(crate) Command);

impl<'a> Arbitrary<'a> for Spelling {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let mut cdb = vec![0; usize::from(u16::arbitrary(input)? % 264)];
        input.fill_buffer(&mut cdb)?;
        let out = segments(input)?;
        let r#in = segments(input)?;
        let mut command = Command::new(&cdb).with_data(&out, &r#in);
        command.attribute = input.arbitrary()?;
        command.tag = input.arbitrary()?;
        let tables = <[u8; 2]>::arbitrary(input)?;
        command.tables = tables.map(|table| 8 * u32::from(table));
        // One lie in four tasks, or a function.
        let lie = u32::arbitrary(input)?;
        match u8::arbitrary(input)? % 32 {
            0 => command.lens[0] = lie,
            1 => command.lens[1] = lie,
            2 => command.counts[0] = lie as u16,
            3 => command.counts[1] = lie as u16,
            4 => command.tables[0] = lie,
            5 => command.tables[1] = lie,
            6 => command.cdb_len = lie as u16,
            7 | 8 => command.function = lie as u8,
            _ => {}
        }
        Ok(Self(command))
    }
}

/// A few segments, or many small ones.
fn segments(input: &mut Unstructured<'_>) -> Result<Vec<(u32, u32)>> {
    let (count, wide) = match u8::arbitrary(input)? {
        count @ 0..128 => (count % 5, false),
        count @ 128..240 => (count - 128, false),
        count => (count % 4, true),
    };
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(if wide {
            input.arbitrary()?
        } else {
            let offset = u32::from(u16::arbitrary(input)?) % ARENA;
            (offset, u32::from(u8::arbitrary(input)? % 64))
        });
    }
    Ok(list)
}

/// A direction's segments as the slot and its table now spell them, as far as they stand in the segment.
pub(crate) fn spelt(
    shared: &Shared,
    slot: u16,
    command: &Command,
    direction: usize,
) -> Vec<(u32, u32)> {
    let count = usize::from(command.counts[direction]);
    let end = shared.mapping.len();
    let at = match count {
        0..=2 => shared.slot(slot, 64 + 16 * direction),
        _ => shared.arena(command.tables[direction]).min(end),
    };
    let room = ((end - at) / 8).min(count);
    let bytes = shared.read(at, 8 * room);
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().expect("four bytes of eight");
        u32::from_le_bytes(bytes)
    };
    bytes
        .chunks_exact(8)
        .map(|pair| (word(&pair[..4]), word(&pair[4..])))
        .collect()
}

/// Whether a target accepts it; `lists` are its segments as they stand.
pub(crate) fn is_well_spelt(command: &Command, lists: [&[(u32, u32)]; 2]) -> bool {
    let mut taken = vec![false; ARENA as usize];
    let mut data_fits = |direction: usize| {
        let count = usize::from(command.counts[direction]);
        let table = u64::from(command.tables[direction]);
        let table_fits = table.is_multiple_of(8) && table + 8 * count as u64 <= u64::from(ARENA);
        if count > 256 || (count > 2 && !table_fits) {
            return false;
        }
        let mut sum = 0;
        for &(offset, len) in &lists[direction][..count] {
            sum += u64::from(len);
            if len == 0 || u64::from(offset) + u64::from(len) > u64::from(ARENA) {
                return false;
            }
            let bytes = &mut taken[offset as usize..][..len as usize];
            if bytes.contains(&true) {
                return false;
            }
            bytes.fill(true);
        }
        sum == u64::from(command.lens[direction])
    };
    data_fits(0)
        && data_fits(1)
        && [0, 1, 2, 4].contains(&(command.attribute & 0x0f))
        && (command.function == 0 || command.lens == [0, 0])
        && (6..=260).contains(&command.cdb_len)
}
