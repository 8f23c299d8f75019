//! A made-up model file for tests.

use super::*;

/// Of the smallest family, with a layer of text.
pub(crate) fn facts() -> ModelFacts {
    ModelFacts {
        family: Family::Tiny,
        text_layers: 1,
        vocabulary: ENGLISH_VOCABULARY,
        mel_bands: 80,
        weights: WeightType::F16,
        file_bytes: 0,
    }
}

/// A whole model file, its data all zeros.
pub(crate) fn tiny_file() -> Vec<u8> {
    let facts = facts();
    let mut file = Vec::new();
    let int = |file: &mut Vec<u8>, value: i32| file.extend(value.to_le_bytes());
    for value in [
        MAGIC.cast_signed(),
        51_864,
        1500,
        384,
        6,
        4,
        448,
        384,
        6,
        1,
        80,
        1,
        80,
        201,
    ] {
        int(&mut file, value);
    }
    file.resize(file.len() + 80 * 201 * 4, 0);
    int(&mut file, 50_256);
    for _ in 0..50_256 {
        int(&mut file, 1);
        file.push(b' ');
    }
    for tensor in tensors(&facts) {
        int(&mut file, i32::try_from(tensor.shape.len()).unwrap());
        int(&mut file, i32::try_from(tensor.name.len()).unwrap());
        int(&mut file, tensor.weights.tensor_type());
        for dim in &tensor.shape {
            int(&mut file, i32::try_from(*dim).unwrap());
        }
        file.extend(tensor.name.as_bytes());
        file.resize(file.len() + usize::try_from(tensor.bytes()).unwrap(), 0);
    }
    file
}
