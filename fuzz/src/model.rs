//! A model file, as somebody may hand it to the engine. In: its bytes, with two shorthands, since whole ones have fifty
//! megabytes: [`ZEROS`] and a count stand for so many zeros, [`TOKENS`] and a count for so many tokens of one blank.
//! Promise: facts or a fault, and nothing else.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Followed by a count in four bytes, the least first.
pub const ZEROS: &[u8] = b"\xfe\xffZ";
/// The same.
pub const TOKENS: &[u8] = b"\xfe\xffT";
/// The largest file is a hole for the most part.
const MAX_BYTES: u64 = 256 << 20;
const MAX_TOKENS: u32 = 60_000;
/// A token's length, and the token.
const TOKEN: [u8; 5] = [1, 0, 0, 0, b' '];

pub fn read(bytes: &[u8]) -> bool {
    let file = tempfile::NamedTempFile::new().expect("a scratch file");
    write(bytes, file.as_file());
    models::ggml::inspect(file.path()).is_ok()
}

fn write(mut bytes: &[u8], file: &File) {
    let mut at = 0;
    let put = |at: &mut u64, bytes: &[u8]| {
        file.write_all_at(bytes, *at).expect("room for it");
        *at += bytes.len() as u64;
    };
    while let [first, rest @ ..] = bytes {
        if let Some((count, rest)) = counted(bytes, ZEROS) {
            at = (at + u64::from(count)).min(MAX_BYTES);
            bytes = rest;
        } else if let Some((count, rest)) = counted(bytes, TOKENS) {
            put(&mut at, &TOKEN.repeat(count.min(MAX_TOKENS) as usize));
            bytes = rest;
        } else {
            put(&mut at, &[*first]);
            bytes = rest;
        }
    }
    file.set_len(at).expect("a hole at the end");
}

fn counted<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(u32, &'a [u8])> {
    let (count, rest) = bytes.strip_prefix(mark)?.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*count), rest))
}
