//! How often the word list is right about labelled sentences. In, on standard input: lines of a label, a tab and a sentence. Out: for
//! each label how many sentences got which sentiment. Fails on a line without a tab.

#![expect(clippy::print_stdout, reason = "it prints its table")]

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};

fn main() -> Result<(), Error> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let (label, sentence) = line.split_once('\t').ok_or(ErrorKind::InvalidData)?;
        let found = format!("{:?}", analysis::sentiment::of_text(sentence)).to_lowercase();
        *counts.entry((label.to_owned(), found)).or_default() += 1;
    }
    for ((label, found), count) in counts {
        println!("{label:10} {found:10} {count:6}");
    }
    Ok(())
}
