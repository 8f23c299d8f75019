use std::io::Write;

use super::testing::tiny_file;
use super::*;
use crate::error::{FileFault, ModelError};

fn inspect_bytes(bytes: &[u8]) -> Result<ModelFacts, FileFault> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    inspect(file.path()).map_err(|e| match e {
        ModelError::Fault { fault, .. } => fault,
        other => panic!("no fault of the file: {other}"),
    })
}

/// Where the tensor table starts.
const TABLE: usize = 14 * 4 + 80 * 201 * 4 + 4 + 50_256 * 5;

#[test]
fn a_whole_file_tells_its_facts() {
    let file = tiny_file();
    let facts = inspect_bytes(&file).unwrap();
    assert_eq!(facts.family, Family::Tiny);
    assert_eq!(facts.text_layers, 1);
    assert_eq!(facts.weights, WeightType::F16);
    assert_eq!(facts.file_bytes, file.len() as u64);
    assert!(!facts.is_multilingual());
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = tiny_file();
    let rows = [
        (0, "header"),
        (20, "header"),
        (80, "mel filters"),
        (TABLE - 1, "vocabulary"),
        (TABLE + 5, "tensor table"),
        (TABLE + 100, "tensor data"),
        (file.len() - 1, "tensor data"),
    ];
    for (at, part) in rows {
        let at_byte = at as u64;
        let found = inspect_bytes(&file[..at]);
        assert_eq!(
            found,
            Err(FileFault::Truncated { part, at_byte }),
            "cut at {at}"
        );
    }
    let found = inspect_bytes(&file[..TABLE]);
    assert!(
        matches!(found, Err(FileFault::MissingTensors { found: 0, .. })),
        "{found:?}"
    );
}

#[test]
fn each_number_that_the_engine_would_trust_is_checked() {
    type Expect = fn(&FileFault) -> bool;
    let hyperparameter: Expect = |f| matches!(f, FileFault::Hyperparameter { .. });
    let rows: [(usize, i32, Expect); 12] = [
        (0, 0x4655_4747, |f| matches!(f, FileFault::Magic { .. })),
        (4, i32::MAX, hyperparameter),
        (8, 1_501, hyperparameter),
        (12, 1 << 30, hyperparameter),
        (36, -1, hyperparameter),
        (40, 81, hyperparameter),
        (44, 99, hyperparameter),
        (52, i32::MAX, hyperparameter),
        (56 + 80 * 201 * 4, i32::MAX, hyperparameter),
        (TABLE - 5, i32::MAX, |f| {
            matches!(f, FileFault::VocabularyEntry { .. })
        }),
        (TABLE, 1_000, |f| {
            matches!(f, FileFault::TensorHeader { .. })
        }),
        (TABLE + 12, 385, |f| {
            matches!(f, FileFault::TensorShape { .. })
        }),
    ];
    let file = tiny_file();
    for (at, value, expect) in rows {
        let mut broken = file.clone();
        broken[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let fault = inspect_bytes(&broken).unwrap_err();
        assert!(expect(&fault), "{value} at byte {at}: {fault}");
    }
}

#[test]
fn bytes_after_the_last_tensor_and_tensors_given_twice_are_refused() {
    let mut file = tiny_file();
    let first_tensor = file[TABLE..TABLE + 100].to_vec();
    file.extend(first_tensor);
    let found = inspect_bytes(&file);
    assert!(
        matches!(found, Err(FileFault::UnknownTensor { .. })),
        "{found:?}"
    );
}

#[test]
fn a_vocabulary_without_the_blank_is_refused() {
    let mut file = tiny_file();
    for byte in &mut file[TABLE - 50_256 * 5..TABLE] {
        if *byte == b' ' {
            *byte = b'x';
        }
    }
    assert_eq!(inspect_bytes(&file), Err(FileFault::NoBlankToken));
}
