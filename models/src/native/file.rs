//! Reads a model file's contents: mel filters, vocabulary and tensors as f32. In: a path that [`ggml::inspect`] has
//! passed. Out: [`ModelFile`]. Fails: [`ModelError::Read`], or [`ModelError::Unreadable`] for a type of weights that is not
//! read here. The layout is described in [`ggml`]; blocks are ggml's.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use crate::error::ModelError;
use crate::ggml::{FFT_BINS, ModelFacts, Tensor, WeightType, tensors};

pub(super) struct ModelFile {
    bytes: Vec<u8>,
    /// One row of bins for each band.
    pub(super) filters: Vec<f32>,
    /// What each text token stands for.
    pub(super) tokens: Vec<Vec<u8>>,
    tensors: HashMap<String, (Tensor, Range<usize>)>,
}

impl ModelFile {
    pub(super) fn open(path: &Path, facts: &ModelFacts) -> Result<Self, ModelError> {
        let readable = [
            WeightType::F32,
            WeightType::F16,
            WeightType::Bf16,
            WeightType::Q8_0,
        ];
        if !readable.contains(&facts.weights) {
            return Err(ModelError::Unreadable {
                path: path.to_owned(),
                weights: facts.weights.name(),
            });
        }
        let read_error = |source| ModelError::Read {
            path: path.to_owned(),
            source,
        };
        let bytes = std::fs::read(path).map_err(read_error)?;
        Self::parse(bytes, facts).ok_or_else(|| {
            // It was whole when it was checked.
            read_error(std::io::Error::other("the file changed while it was read"))
        })
    }

    fn parse(bytes: Vec<u8>, facts: &ModelFacts) -> Option<Self> {
        /// Magic number and eleven sizes, bands and bins.
        const HEADER_BYTES: usize = 14 * 4;
        let mut cursor = Cursor {
            bytes: &bytes,
            at: HEADER_BYTES,
        };
        let filters_count = usize::try_from(facts.mel_bands * FFT_BINS).ok()?;
        let filters = floats(cursor.take(filters_count * 4)?);
        let mut tokens = Vec::new();
        for _ in 0..cursor.count()? {
            let length = cursor.count()?;
            tokens.push(cursor.take(length)?.to_vec());
        }
        let mut known: HashMap<String, Tensor> = tensors(facts)
            .into_iter()
            .map(|t| (t.name.clone(), t))
            .collect();
        let mut found = HashMap::new();
        while cursor.at < bytes.len() {
            let (dims, name_length, _kind) = (cursor.count()?, cursor.count()?, cursor.count()?);
            cursor.take(dims * 4)?;
            let name = String::from_utf8(cursor.take(name_length)?.to_vec()).ok()?;
            let tensor = known.remove(&name)?;
            let start = cursor.at;
            cursor.take(usize::try_from(tensor.bytes()).ok()?)?;
            found.insert(name, (tensor, start..cursor.at));
        }
        known.is_empty().then_some(Self {
            tensors: found,
            filters,
            tokens,
            bytes,
        })
    }

    /// A tensor of [`tensors`] by its name, slowest dimension first.
    pub(super) fn tensor(&self, name: &str) -> Vec<f32> {
        let (tensor, range) = self
            .tensors
            .get(name)
            .expect("`parse` found every tensor of the layout");
        let bytes = &self.bytes[range.clone()];
        match tensor.weights {
            WeightType::F32 => floats(bytes),
            WeightType::F16 => halves(bytes).map(from_f16).collect(),
            WeightType::Bf16 => halves(bytes)
                .map(|b| f32::from_bits(u32::from(b) << 16))
                .collect(),
            _ => from_q8_0(bytes),
        }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(i32::from_le_bytes(bytes)).ok()
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (words, _) = bytes.as_chunks::<2>();
    words.iter().map(|b| u16::from_le_bytes(*b))
}

/// IEEE 754 half precision.
pub(super) fn from_f16(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10 & 0x1f);
    let fraction = u32::from(half & 0x3ff);
    let size = match exponent {
        // 2^-24 steps around zero.
        0 => (fraction as f32 * 2.0_f32.powi(-24)).to_bits(),
        31 => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | size)
}

/// Blocks of a half-precision scale and 32 signed bytes.
fn from_q8_0(bytes: &[u8]) -> Vec<f32> {
    const BLOCK_BYTES: usize = 34;
    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    let mut values = Vec::with_capacity(blocks.len() * 32);
    for block in blocks {
        let scale = from_f16(u16::from_le_bytes([block[0], block[1]]));
        values.extend(
            block[2..]
                .iter()
                .map(|b| f32::from(b.cast_signed()) * scale),
        );
    }
    values
}

#[cfg(test)]
mod tests {
    use super::from_f16;

    #[test]
    fn halves_are_read_as_ieee_writes_them() {
        let rows = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65_504.0),
            (0x7c00, f32::INFINITY),
        ];
        for (bits, wanted) in rows {
            assert_eq!(from_f16(bits), wanted, "{bits:#06x}");
        }
        assert!(from_f16(0x7e00).is_nan());
    }
}
