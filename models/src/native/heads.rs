//! The heads whose attention follows the words, as (block, head). In: [`ModelFacts`]. Out: the list. Cannot fail. Source:
//! `_ALIGNMENT_HEADS` in OpenAI's whisper, found there by measurement for each published model.

use super::weights::size;
use crate::ggml::{Family, ModelFacts};

pub(super) fn alignment_heads(facts: &ModelFacts) -> Vec<(usize, usize)> {
    let (_, heads, layers) = facts.family.dimensions();
    let multilingual = facts.is_multilingual();
    let known: &[(usize, usize)] = match (facts.family, multilingual) {
        (Family::Large, true) if facts.text_layers == 4 => &TURBO,
        // Distilled decoders have no published heads: their last layer follows the words best.
        _ if facts.text_layers != layers => {
            let last = size(facts.text_layers) - 1;
            return (0..size(heads)).map(|head| (last, head)).collect();
        }
        (Family::Tiny, false) => &TINY_EN,
        (Family::Tiny, true) => &TINY,
        (Family::Base, false) => &BASE_EN,
        (Family::Base, true) => &BASE,
        (Family::Small, false) => &SMALL_EN,
        (Family::Small, true) => &SMALL,
        (Family::Medium, false) => &MEDIUM_EN,
        (Family::Medium, true) => &MEDIUM,
        (Family::Large, _) if facts.mel_bands == 128 => &LARGE_V3,
        // Nothing in the file tells large-v1 from v2; v1 was withdrawn in 2022.
        (Family::Large, _) => &LARGE_V2,
    };
    known.to_vec()
}

const TINY_EN: [(usize, usize); 8] = [
    (1, 0),
    (2, 0),
    (2, 5),
    (3, 0),
    (3, 1),
    (3, 2),
    (3, 3),
    (3, 4),
];
const TINY: [(usize, usize); 6] = [(2, 2), (3, 0), (3, 2), (3, 3), (3, 4), (3, 5)];
const BASE_EN: [(usize, usize); 5] = [(3, 3), (4, 7), (5, 1), (5, 5), (5, 7)];
const BASE: [(usize, usize); 8] = [
    (3, 1),
    (4, 2),
    (4, 3),
    (4, 7),
    (5, 1),
    (5, 2),
    (5, 4),
    (5, 6),
];
const SMALL_EN: [(usize, usize); 19] = [
    (6, 6),
    (7, 0),
    (7, 3),
    (7, 8),
    (8, 2),
    (8, 5),
    (8, 7),
    (9, 0),
    (9, 4),
    (9, 8),
    (9, 10),
    (10, 0),
    (10, 1),
    (10, 2),
    (10, 3),
    (10, 6),
    (10, 11),
    (11, 2),
    (11, 4),
];
const SMALL: [(usize, usize); 10] = [
    (5, 3),
    (5, 9),
    (8, 0),
    (8, 4),
    (8, 7),
    (8, 8),
    (9, 0),
    (9, 7),
    (9, 9),
    (10, 5),
];
const MEDIUM_EN: [(usize, usize); 18] = [
    (11, 4),
    (14, 1),
    (14, 12),
    (14, 14),
    (15, 4),
    (16, 0),
    (16, 4),
    (16, 9),
    (17, 12),
    (17, 14),
    (18, 7),
    (18, 10),
    (18, 15),
    (20, 0),
    (20, 3),
    (20, 9),
    (20, 14),
    (21, 12),
];
const MEDIUM: [(usize, usize); 6] = [(13, 15), (15, 4), (15, 15), (16, 1), (20, 0), (23, 4)];
const LARGE_V2: [(usize, usize); 23] = [
    (10, 12),
    (13, 17),
    (16, 11),
    (16, 12),
    (16, 13),
    (17, 15),
    (17, 16),
    (18, 4),
    (18, 11),
    (18, 19),
    (19, 11),
    (21, 2),
    (21, 3),
    (22, 3),
    (22, 9),
    (22, 12),
    (23, 5),
    (23, 7),
    (23, 13),
    (25, 5),
    (26, 1),
    (26, 12),
    (27, 15),
];
const LARGE_V3: [(usize, usize); 10] = [
    (7, 0),
    (10, 17),
    (12, 18),
    (13, 12),
    (16, 1),
    (17, 14),
    (19, 11),
    (21, 4),
    (24, 1),
    (25, 6),
];
const TURBO: [(usize, usize); 6] = [(2, 4), (2, 11), (3, 3), (3, 6), (3, 11), (3, 14)];
