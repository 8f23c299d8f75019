//! Finds a ggml tensor's numbers in CTranslate2's variables, which join what OpenAI keeps apart. In: variables and a
//! tensor's layout. Out: its 16-bit floats, borrowed. Fails: [`WeightsFault`]. `self_attention/linear_0` is query, key and
//! value on top of each other; `attention/linear_0` the cross query, `attention/linear_1` key and value.

use std::io::{Cursor, Read};

use super::ctranslate::Variables;
use super::{ConvertError, WeightsFault};
use crate::ggml::Tensor;

/// OpenAI's own file, MIT, from `openai-whisper` 20250625; sha256 7450ae70723a5ef9d341e3cee628c7cb0177f36ce42c44b7ed2bf3325f0f6d4c.
static MEL_FILTERS: &[u8] = include_bytes!("../../assets/mel_filters.npz");

/// The 80 band filter bank as little-endian 32-bit floats, band by band.
pub(super) fn mel_filters() -> Result<Vec<u8>, ConvertError> {
    const BYTES: usize = 80 * 201 * 4;
    let mut archive = zip::ZipArchive::new(Cursor::new(MEL_FILTERS))
        .map_err(|_| ConvertError::MelFilters("it is no zip file"))?;
    let mut array = Vec::new();
    archive
        .by_name("mel_80.npy")
        .map_err(|_| ConvertError::MelFilters("it has no 80 band filters"))?
        .read_to_end(&mut array)
        .map_err(|_| ConvertError::MelFilters("its data is damaged"))?;
    // A text header says what the digest above fixes; the numbers are the rest.
    let start = array.len().checked_sub(BYTES);
    start
        .map(|start| array.split_off(start))
        .ok_or(ConvertError::MelFilters("it is too short"))
}

pub(super) fn halves<'a>(
    variables: &Variables<'a>,
    tensor: &Tensor,
) -> Result<&'a [u8], WeightsFault> {
    let source = source_of(&tensor.name);
    let data = variables.get(&source.variable)?;
    let bytes_wanted = usize::try_from(2 * tensor.elements()).unwrap_or(usize::MAX);
    if data.len() != source.parts * bytes_wanted {
        return Err(WeightsFault::Size {
            name: source.variable,
            found: data.len() / 2,
            expected: tensor.elements() * source.parts as u64,
        });
    }
    let mut chunks = data.chunks_exact(bytes_wanted);
    if let Some(key) = source.key_bias_part
        && chunks
            .clone()
            .nth(key)
            .is_some_and(|k| k.iter().any(|b| *b != 0))
    {
        return Err(WeightsFault::KeyBias {
            name: source.variable,
        });
    }
    chunks.nth(source.part).ok_or(WeightsFault::Missing {
        name: tensor.name.clone(),
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Source {
    variable: String,
    part: usize,
    parts: usize,
    /// The part that holds the keys' bias, which must be zero since ggml has no place for it.
    key_bias_part: Option<usize>,
}

fn source_of(name: &str) -> Source {
    let whole = |variable: String| Source {
        variable,
        part: 0,
        parts: 1,
        key_bias_part: None,
    };
    let (side, rest) = name.split_once('.').unwrap_or((name, ""));
    let (path, kind) = rest.rsplit_once('.').unwrap_or((rest, ""));
    let norm_kind = if kind == "weight" { "gamma" } else { "beta" };
    match rest {
        "positional_embedding" => return whole(format!("{side}/position_encodings/encodings")),
        "token_embedding.weight" => return whole(format!("{side}/embeddings/weight")),
        _ => {}
    }
    let Some(block) = path.strip_prefix("blocks.") else {
        return match path {
            "ln" | "ln_post" => whole(format!("{side}/layer_norm/{norm_kind}")),
            _ => whole(format!("{side}/{path}/{kind}")),
        };
    };
    let (layer, module) = block.split_once('.').unwrap_or((block, ""));
    let layer = format!("{side}/layer_{layer}");
    match module {
        "attn_ln" => whole(format!("{layer}/self_attention/layer_norm/{norm_kind}")),
        "cross_attn_ln" => whole(format!("{layer}/attention/layer_norm/{norm_kind}")),
        "mlp_ln" => whole(format!("{layer}/ffn/layer_norm/{norm_kind}")),
        "mlp.0" => whole(format!("{layer}/ffn/linear_0/{kind}")),
        "mlp.2" => whole(format!("{layer}/ffn/linear_1/{kind}")),
        _ => attention_source(&layer, module, kind),
    }
}

fn attention_source(layer: &str, module: &str, kind: &str) -> Source {
    let (attention, part_name) = module.split_once('.').unwrap_or((module, ""));
    let cross = attention == "cross_attn";
    let folder = if cross { "attention" } else { "self_attention" };
    let (linear, part, parts) = match (cross, part_name) {
        (false, "query") => (0, 0, 3),
        (false, "key") => (0, 1, 3),
        (false, "value") => (0, 2, 3),
        (false, _) => (1, 0, 1),
        (true, "query") => (0, 0, 1),
        (true, "key") => (1, 0, 2),
        (true, "value") => (1, 1, 2),
        (true, _) => (2, 0, 1),
    };
    let holds_key_bias = kind == "bias" && part_name == "value";
    Source {
        variable: format!("{layer}/{folder}/linear_{linear}/{kind}"),
        part,
        parts,
        key_bias_part: holds_key_bias.then(|| part - 1),
    }
}
