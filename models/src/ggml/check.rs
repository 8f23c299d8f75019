//! Reads a model file's header, vocabulary and tensor table and holds every number against what a Whisper model has.
//! In: a path. Out: [`ModelFacts`]. Fails: [`ModelError`]. Tensor data is skipped, not read: digests are the store's work.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::{
    AUDIO_POSITIONS, ENGLISH_VOCABULARY, FFT_BINS, Family, MAGIC, MULTILINGUAL_VOCABULARY,
    ModelFacts, TEXT_POSITIONS, Tensor, V3_VOCABULARY, WeightType, tensors,
};
use crate::error::{FileFault, ModelError};

/// The longest entry of OpenAI's vocabularies is 128 bytes (a run of spaces).
const MAX_TOKEN_BYTES: i32 = 256;
/// The longest tensor name is `decoder.blocks.31.cross_attn_ln.weight`.
const MAX_NAME_BYTES: i32 = 64;

/// Checks a model file as far as the engine will trust it.
///
/// # Errors
/// [`ModelError::Read`] when it cannot be read, [`ModelError::Fault`] when it is no whole whisper model.
pub fn inspect(path: &Path) -> Result<ModelFacts, ModelError> {
    let read_error = |source| ModelError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read_error)?;
    let size = file.metadata().map_err(read_error)?.len();
    let mut checker = Checker {
        file: BufReader::with_capacity(1 << 16, file),
        position: 0,
        size,
    };
    checker.check().map_err(|stop| match stop {
        Stop::Io(source) => read_error(source),
        Stop::Fault(fault) => ModelError::Fault {
            path: path.to_owned(),
            fault,
        },
    })
}

enum Stop {
    Io(io::Error),
    Fault(FileFault),
}

impl From<FileFault> for Stop {
    fn from(fault: FileFault) -> Self {
        Self::Fault(fault)
    }
}

struct Checker {
    file: BufReader<File>,
    position: u64,
    size: u64,
}

impl Checker {
    fn check(&mut self) -> Result<ModelFacts, Stop> {
        let facts = self.header()?;
        self.mel_filters(facts.mel_bands)?;
        self.vocabulary(facts.vocabulary)?;
        self.tensor_table(&facts)?;
        Ok(facts)
    }

    fn header(&mut self) -> Result<ModelFacts, Stop> {
        const PART: &str = "header";
        let found = self.i32(PART)?.cast_unsigned();
        if found != MAGIC {
            return Err(FileFault::Magic { found }.into());
        }
        let vocabulary = self.one_of(
            "n_vocab",
            &[ENGLISH_VOCABULARY, MULTILINGUAL_VOCABULARY, V3_VOCABULARY],
        )?;
        self.one_of("n_audio_ctx", &[AUDIO_POSITIONS])?;
        let state = self.i32(PART)?;
        let heads = self.i32(PART)?;
        let layers = self.i32(PART)?;
        let Some(family) = Family::from_dimensions(state, heads, layers) else {
            return Err(unknown("n_audio_state", state).into());
        };
        self.one_of("n_text_ctx", &[TEXT_POSITIONS])?;
        self.one_of("n_text_state", &[state])?;
        self.one_of("n_text_head", &[heads])?;
        let text_layers = self.i32(PART)?;
        if !(1..=layers).contains(&text_layers) {
            return Err(unknown("n_text_layer", text_layers).into());
        }
        let mel_bands = self.one_of("n_mels", &[80, 128])?;
        let ftype = self.i32(PART)?;
        let Some(weights) = WeightType::from_file_type(ftype) else {
            return Err(unknown("ftype", ftype).into());
        };
        Ok(ModelFacts {
            family,
            text_layers,
            vocabulary,
            mel_bands,
            weights,
            file_bytes: self.size,
        })
    }

    fn mel_filters(&mut self, mel_bands: i32) -> Result<(), Stop> {
        let bands = self.one_of("filter bands", &[mel_bands])?;
        let bins = self.one_of("filter bins", &[FFT_BINS])?;
        let floats = u64::from(bands.unsigned_abs()) * u64::from(bins.unsigned_abs());
        self.skip(floats * 4, "mel filters")
    }

    fn vocabulary(&mut self, vocabulary: i32) -> Result<(), Stop> {
        const PART: &str = "vocabulary";
        let count = self.i32(PART)?;
        // All text tokens must be there; the engine names the special ones itself.
        if !(50_256..=vocabulary).contains(&count) {
            return Err(unknown("vocabulary size", count).into());
        }
        let mut has_blank = false;
        let mut token = [0; 1];
        for index in 0..count.unsigned_abs() {
            let length = self.i32(PART)?;
            match length {
                1 => {
                    self.bytes(&mut token, PART)?;
                    has_blank |= token == *b" ";
                }
                0..=MAX_TOKEN_BYTES => self.skip(u64::from(length.unsigned_abs()), PART)?,
                _ => {
                    let length = length.into();
                    return Err(FileFault::VocabularyEntry { index, length }.into());
                }
            }
        }
        // The engine looks the blank up without asking whether it is there.
        if has_blank {
            Ok(())
        } else {
            Err(FileFault::NoBlankToken.into())
        }
    }

    fn tensor_table(&mut self, facts: &ModelFacts) -> Result<(), Stop> {
        let layout = tensors(facts);
        let expected = layout.len();
        let mut missing: HashMap<&str, &Tensor> =
            layout.iter().map(|t| (t.name.as_str(), t)).collect();
        let mut index = 0;
        while self.position < self.size {
            self.tensor(index, &mut missing)?;
            index += 1;
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(FileFault::MissingTensors {
            found: expected - missing.len(),
            expected,
        }
        .into())
    }

    fn tensor(&mut self, index: usize, missing: &mut HashMap<&str, &Tensor>) -> Result<(), Stop> {
        const PART: &str = "tensor table";
        let dims = self.i32(PART)?;
        let name_length = self.i32(PART)?;
        let found_type = self.i32(PART)?;
        if !(1..=3).contains(&dims) || !(1..=MAX_NAME_BYTES).contains(&name_length) {
            return Err(FileFault::TensorHeader {
                index,
                dims: dims.into(),
                name_length: name_length.into(),
            }
            .into());
        }
        let mut found = Vec::new();
        for _ in 0..dims {
            found.push(i64::from(self.i32(PART)?));
        }
        let mut name = Vec::new();
        for _ in 0..name_length {
            let mut byte = [0; 1];
            self.bytes(&mut byte, PART)?;
            name.extend(byte);
        }
        let known = std::str::from_utf8(&name)
            .ok()
            .and_then(|name| missing.remove(name));
        let Some(tensor) = known else {
            return Err(FileFault::UnknownTensor { index }.into());
        };
        let expected_type = tensor.weights.tensor_type();
        if found != tensor.shape || found_type != expected_type {
            return Err(FileFault::TensorShape {
                name: tensor.name.clone(),
                found,
                found_type: found_type.into(),
                expected: tensor.shape.clone(),
                expected_type: expected_type.into(),
            }
            .into());
        }
        self.skip(tensor.bytes(), "tensor data")
    }

    fn one_of(&mut self, field: &'static str, allowed: &[i32]) -> Result<i32, Stop> {
        let found = self.i32("header")?;
        if allowed.contains(&found) {
            Ok(found)
        } else {
            Err(unknown(field, found).into())
        }
    }

    fn i32(&mut self, part: &'static str) -> Result<i32, Stop> {
        let mut bytes = [0; 4];
        self.bytes(&mut bytes, part)?;
        Ok(i32::from_le_bytes(bytes))
    }

    fn bytes(&mut self, bytes: &mut [u8], part: &'static str) -> Result<(), Stop> {
        self.room_for(bytes.len() as u64, part)?;
        self.file.read_exact(bytes).map_err(Stop::Io)
    }

    fn skip(&mut self, count: u64, part: &'static str) -> Result<(), Stop> {
        self.room_for(count, part)?;
        let offset = i64::try_from(count).map_err(|e| Stop::Io(io::Error::other(e)))?;
        self.file.seek_relative(offset).map_err(Stop::Io)
    }

    /// Moves the position over `count` bytes, or tells where the file ends too soon.
    fn room_for(&mut self, count: u64, part: &'static str) -> Result<(), Stop> {
        let end = self.position.saturating_add(count);
        if end > self.size {
            let at_byte = self.size;
            return Err(FileFault::Truncated { part, at_byte }.into());
        }
        self.position = end;
        Ok(())
    }
}

fn unknown(field: &'static str, found: i32) -> FileFault {
    FileFault::Hyperparameter {
        field,
        found: found.into(),
    }
}
