//! Writes the parts of a ggml whisper file. In: facts, tokens and 16-bit floats. Out: bytes, little-endian. Fails: as the
//! writer does. Source: whisper.cpp's `convert-pt-to-ggml.py`.

use std::io::{self, Write};

use crate::ggml::{
    AUDIO_POSITIONS, FFT_BINS, MAGIC, ModelFacts, TEXT_POSITIONS, Tensor, WeightType,
};

pub(super) fn header(
    file: &mut impl Write,
    facts: &ModelFacts,
    mel_filters: &[u8],
    tokens: &[Vec<u8>],
) -> io::Result<()> {
    const F16_FILE: i32 = 1;
    let (state, heads, layers) = facts.family.dimensions();
    let text_layers = facts.text_layers;
    let bands = facts.mel_bands;
    file.write_all(&MAGIC.to_le_bytes())?;
    for value in [facts.vocabulary, AUDIO_POSITIONS, state, heads, layers] {
        int(file, value)?;
    }
    for value in [TEXT_POSITIONS, state, heads, text_layers, bands, F16_FILE] {
        int(file, value)?;
    }
    int(file, bands)?;
    int(file, FFT_BINS)?;
    file.write_all(mel_filters)?;
    length(file, tokens.len())?;
    for token in tokens {
        length(file, token.len())?;
        file.write_all(token)?;
    }
    Ok(())
}

pub(super) fn tensor(file: &mut impl Write, tensor: &Tensor, halves: &[u8]) -> io::Result<()> {
    length(file, tensor.shape.len())?;
    length(file, tensor.name.len())?;
    int(file, tensor.weights.tensor_type())?;
    for dim in &tensor.shape {
        int(file, i32::try_from(*dim).map_err(io::Error::other)?)?;
    }
    file.write_all(tensor.name.as_bytes())?;
    if tensor.weights == WeightType::F16 {
        return file.write_all(halves);
    }
    for half in halves.chunks_exact(2) {
        let half = half.try_into().expect("chunks of two bytes");
        file.write_all(&widen(u16::from_le_bytes(half)).to_le_bytes())?;
    }
    Ok(())
}

fn length(file: &mut impl Write, length: usize) -> io::Result<()> {
    int(file, i32::try_from(length).map_err(io::Error::other)?)
}

fn int(file: &mut impl Write, value: i32) -> io::Result<()> {
    file.write_all(&value.to_le_bytes())
}

/// A 16-bit float as the 32-bit float of the same value (IEEE 754 binary16).
fn widen(half: u16) -> f32 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = (half >> 10) & 0x1f;
    let fraction = f32::from(half & 0x3ff);
    let value = match exponent {
        // Below 2^-14 the leading one is missing.
        0 => fraction * 2.0_f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(i32::from(exponent) - 15),
    };
    sign * value
}

#[cfg(test)]
mod tests {
    use super::widen;

    #[test]
    fn halves_widen_to_the_same_value() {
        let rows = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x0400, 6.103_515_6e-5),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (half, wanted) in rows {
            assert_eq!(widen(half).to_bits(), f32::to_bits(wanted), "{half:#06x}");
        }
        assert_eq!(widen(0x8000).to_bits(), f32::to_bits(-0.0));
        assert!(widen(0x7e00).is_nan());
    }
}
