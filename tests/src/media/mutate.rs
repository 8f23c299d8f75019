//! Damage to a file, chosen by a number. In: bytes, another file's bytes, a [`Random`]. Out: other bytes, never the same
//! ones. A case number means the same file for ever.

use crate::seed::Seeded;

#[derive(Debug)]
pub struct Random(Seeded);

impl Random {
    /// The generator of one case: cases do not depend on each other, so that one can be run alone.
    pub fn of_case(seed: u64, case: u64) -> Self {
        let start = Seeded::from_state(seed).number();
        let state = start ^ case.wrapping_mul(0xd6e8_feb8_6659_fd93);
        Self(Seeded::from_state(state))
    }

    pub fn number(&mut self) -> u64 {
        self.0.number()
    }

    /// Less than `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.number() % bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }
}

/// What parsers choose by: most of a file's headers lie here.
const HEADER_BYTES: usize = 512;
/// Numbers that break arithmetic: nothing, one, signs, and all ones, by width.
const EXTREMES: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// One to four pieces of damage to `bytes`; some of them borrow from `other`.
pub fn mutate(mut bytes: Vec<u8>, other: &[u8], random: &mut Random) -> Vec<u8> {
    let before = bytes.clone();
    while bytes == before {
        for _ in 0..=random.below(4) {
            damage(&mut bytes, other, random);
        }
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    match random.below(10) {
        0 => flip_bits(bytes, random, usize::MAX),
        1 => flip_bits(bytes, random, HEADER_BYTES),
        2 => bytes.truncate(random.below(bytes.len())),
        3 => blow_up_field(bytes, random),
        4 => blow_up_chunk(bytes, random),
        5 => fill_block(bytes, random),
        6 => copy_block(bytes, random),
        7 => insert_block(bytes, random),
        8 => drop(bytes.drain(block(bytes.len(), random))),
        _ => swap_header(bytes, other, random),
    }
}

/// A stretch of a file of this length: short ones as likely as long ones.
fn block(length: usize, random: &mut Random) -> std::ops::Range<usize> {
    let start = random.below(length);
    let longest = (length - start) >> random.below(12);
    start..start + random.below(longest + 1).min(length - start)
}

fn flip_bits(bytes: &mut [u8], random: &mut Random, within: usize) {
    let within = within.min(bytes.len());
    for _ in 0..=random.below(16) {
        let at = random.below(within);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
}

/// An extreme number of one, two, four or eight bytes, in either order, anywhere in the headers.
fn blow_up_field(bytes: &mut [u8], random: &mut Random) {
    let at = random.below(bytes.len().min(HEADER_BYTES));
    write_extreme(bytes, at, random);
}

/// The same where it hurts: at the size before or after a chunk's four letters.
fn blow_up_chunk(bytes: &mut [u8], random: &mut Random) {
    let is_name = |name: &[u8]| name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ');
    let names: Vec<usize> = bytes
        .windows(4)
        .take(1 << 16)
        .enumerate()
        .filter(|(_, name)| is_name(name))
        .map(|(at, _)| at)
        .collect();
    let name = names.get(random.below(names.len())).copied().unwrap_or(0);
    let at = if random.below(2) == 0 {
        name.saturating_sub(4)
    } else {
        name + 4
    };
    write_extreme(bytes, at, random);
}

fn write_extreme(bytes: &mut [u8], at: usize, random: &mut Random) {
    let number = EXTREMES[random.below(EXTREMES.len())];
    let width = 1 << random.below(4);
    let order = random.below(2);
    let little = number.to_le_bytes();
    for (offset, target) in bytes.iter_mut().skip(at).take(width).enumerate() {
        *target = little[if order == 0 {
            offset
        } else {
            width - 1 - offset
        }];
    }
}

fn fill_block(bytes: &mut [u8], random: &mut Random) {
    let range = block(bytes.len(), random);
    let kind = random.below(3);
    for byte in &mut bytes[range] {
        *byte = match kind {
            0 => 0,
            1 => 0xff,
            _ => random.byte(),
        };
    }
}

fn copy_block(bytes: &mut [u8], random: &mut Random) {
    let from = block(bytes.len(), random);
    let to = random.below(bytes.len() - from.len() + 1);
    bytes.copy_within(from, to);
}

fn insert_block(bytes: &mut Vec<u8>, random: &mut Random) {
    let copied = bytes[block(bytes.len(), random)].to_vec();
    let at = random.below(bytes.len() + 1);
    bytes.splice(at..at, copied);
}

/// This file's head before that one's body, or the other way round.
fn swap_header(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let head = random.below(HEADER_BYTES.min(bytes.len()).min(other.len()) + 1);
    if random.below(2) == 0 {
        bytes[..head].copy_from_slice(&other[..head]);
    } else {
        bytes.truncate(head);
        bytes.extend_from_slice(&other[head..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_the_same_file_each_time_and_never_the_one_it_was_made_from() {
        let (bytes, other): (Vec<u8>, Vec<u8>) = ((0..200).collect(), vec![7; 300]);
        let mut seen = std::collections::BTreeSet::new();
        for case in 0..1_000 {
            let once = mutate(bytes.clone(), &other, &mut Random::of_case(1, case));
            let again = mutate(bytes.clone(), &other, &mut Random::of_case(1, case));
            assert_eq!(once, again, "case {case}");
            assert_ne!(once, bytes, "case {case}");
            seen.insert(once);
        }
        assert!(seen.len() > 950, "{} different files", seen.len());
    }

    #[test]
    fn the_smallest_files_can_be_damaged_too() {
        for length in 1..4 {
            for case in 0..500 {
                mutate(vec![1; length], &[2], &mut Random::of_case(2, case));
            }
        }
    }
}
