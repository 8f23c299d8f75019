//! The highest of many, and the middle of a few. In: rows of f32 without any that is no number. Out: places and values. Cannot
//! fail.

use super::{LANES, Level, highest, level};

/// Width of the median filter.
pub(in crate::native) const MEDIAN: usize = 7;
/// Scores that are looked at together for the highest.
const GROUP: usize = 4 * LANES;

vectorized! {
    /// The highest of each [`GROUP`] of scores, in order.
    fn highest_of_groups(scores: &[f32], out: &mut Vec<f32>) {
        out.clear();
        for group in scores.chunks(GROUP) {
            out.push(highest(group));
        }
    }
}

/// Where the `count` highest scores stand, the highest first; of equal ones the first.
pub(in crate::native) fn highest_places(scores: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut groups = Vec::new();
    highest_of_groups(scores, &mut groups);
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    let mut least = f32::NEG_INFINITY;
    for (number, group) in scores.chunks(GROUP).enumerate() {
        if groups[number] <= least {
            continue;
        }
        for (place, score) in group.iter().enumerate() {
            if *score > least {
                let rank = best.partition_point(|(_, better)| better >= score);
                best.insert(rank, (number * GROUP + place, *score));
                best.truncate(count);
                if best.len() == count {
                    least = best[count - 1].1;
                }
            }
        }
    }
    best
}

vectorized! {
    /// The median of each [`MEDIAN`] values in a row: `out` is six shorter than `row`.
    fn medians(row: &[f32], out: &mut [f32]) {
        for (place, out) in out.iter_mut().enumerate() {
            *out = median(std::array::from_fn(|offset| row[place + offset]));
        }
    }
}

/// By exchanges, so that it can be done for many at once. Source: Devillard, "Fast median search: an ANSI C implementation".
#[inline(always)]
fn median(mut v: [f32; MEDIAN]) -> f32 {
    const EXCHANGES: [(usize, usize); 13] = [
        (0, 5),
        (0, 3),
        (1, 6),
        (2, 4),
        (0, 1),
        (3, 5),
        (2, 6),
        (2, 3),
        (3, 6),
        (4, 5),
        (1, 4),
        (1, 3),
        (3, 4),
    ];
    for (low, high) in EXCHANGES {
        let (a, b) = (v[low], v[high]);
        v[low] = if b < a { b } else { a };
        v[high] = if b < a { a } else { b };
    }
    v[3]
}
