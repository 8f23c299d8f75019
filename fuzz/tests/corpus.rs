//! The kept corpus through every target, without a fuzzer: what was found once is never forgotten, on any machine.

use std::path::PathBuf;

use hostile::TARGETS;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("each target has a corpus") {
        let path = entry.expect("a file of the corpus").path();
        let bytes = std::fs::read(&path).expect("a file of the corpus");
        files.push((path, bytes));
    }
    files.sort();
    files
}

#[test]
fn every_target_keeps_its_promises_over_its_corpus_and_both_accepts_and_refuses() {
    for (name, read) in TARGETS {
        let files = corpus(name);
        let accepted = files.iter().filter(|(_, bytes)| read(bytes)).count();
        println!("{name}: {accepted} of {} accepted", files.len());
        assert!(accepted > 0, "{name}: the corpus reaches nothing");
        assert!(accepted < files.len(), "{name}: the corpus tries nothing");
    }
}

#[test]
fn every_target_stands_everything_that_a_corpus_can_be_cut_to() {
    for (name, read) in TARGETS {
        for (_, bytes) in corpus(name) {
            let step = bytes.len() / 16 + 1;
            for cut in (0..bytes.len()).step_by(step) {
                read(&bytes[..cut]);
                read(&bytes[cut..]);
            }
        }
    }
}
