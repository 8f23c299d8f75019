//! When each token was said. In: the alignment heads' attention, for each head one row of heard positions a token. Out: for
//! each token the position at which its text ends. Cannot fail. Source: `find_alignment` in OpenAI's `timing.py`: attention
//! normalised over tokens, a median filter over time, the mean of the heads, and the cheapest monotone path through it.

use super::kernels;

/// `rows` rows of attention; the first `lead` belong to tokens before the text, except that the last of these foretells the
/// first word. Returns `rows - lead` ends.
pub(super) fn token_ends(
    heads: &[Vec<f32>],
    rows: usize,
    lead: usize,
    positions: usize,
) -> Vec<usize> {
    if rows <= lead || positions == 0 || lead == 0 {
        return Vec::new();
    }
    let mut mean = vec![0.0; rows * positions];
    let (mut mirrored, mut smooth) = (Vec::new(), vec![0.0; positions]);
    for head in heads {
        let mut head = head[..rows * positions].to_vec();
        normalize(&mut head, positions);
        for (row, mean) in head
            .chunks_exact(positions)
            .zip(mean.chunks_exact_mut(positions))
        {
            mirror(row, &mut mirrored);
            kernels::medians(&mirrored, &mut smooth);
            kernels::add(mean, &smooth);
        }
    }
    // Row `lead - 1` foretells the first token of the text and the last row the end.
    let spoken = &mean[(lead - 1) * positions..];
    path_ends(spoken, positions, rows - lead)
}

/// Mean 0 and variance 1 over the tokens, at each position.
fn normalize(head: &mut [f32], positions: usize) {
    let rows = (head.len() / positions) as f32;
    for position in 0..positions {
        let column = || head.iter().skip(position).step_by(positions);
        let mean = column().sum::<f32>() / rows;
        let variance = column().map(|x| (x - mean).powi(2)).sum::<f32>() / rows;
        let scale = 1.0 / variance.sqrt().max(1e-9);
        for x in head.iter_mut().skip(position).step_by(positions) {
            *x = (*x - mean) * scale;
        }
    }
}

/// The row with as much before and after it as a median reaches beyond.
fn mirror(row: &[f32], out: &mut Vec<f32>) {
    let (last, reach) = (row.len() - 1, kernels::MEDIAN / 2);
    let inner = |place: usize| {
        row[if place > last {
            (2 * last).saturating_sub(place)
        } else {
            place
        }
        .min(last)]
    };
    out.clear();
    out.extend((1..=reach).rev().map(inner));
    out.extend_from_slice(row);
    out.extend((last + 1..=last + reach).map(inner));
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Both,
    Token,
    Position,
}

/// Follows the path with the most attention through `tokens + 1` rows; returns where it leaves each of the first `tokens`.
fn path_ends(attention: &[f32], positions: usize, tokens: usize) -> Vec<usize> {
    let rows = tokens + 1;
    let mut steps = vec![Step::Position; rows * positions];
    let mut above = vec![f32::INFINITY; positions];
    let mut costs = vec![0.0; positions];
    for row in 0..rows {
        for position in 0..positions {
            let at = row * positions + position;
            let left = if position > 0 {
                costs[position - 1]
            } else {
                f32::INFINITY
            };
            let corner = match (row, position) {
                (0, 0) => 0.0,
                (_, 0) => f32::INFINITY,
                _ => above[position - 1],
            };
            let (cost, step) = if corner < above[position] && corner < left {
                (corner, Step::Both)
            } else if above[position] < left {
                (above[position], Step::Token)
            } else {
                (left, Step::Position)
            };
            costs[position] = cost - attention[at];
            steps[at] = if (row, position) == (0, 0) {
                Step::Both
            } else {
                step
            };
        }
        std::mem::swap(&mut above, &mut costs);
    }
    let mut ends = vec![0; tokens];
    let (mut row, mut position) = (rows - 1, positions - 1);
    while row > 0 {
        let step = steps[row * positions + position];
        if step != Step::Position {
            row -= 1;
            ends[row] = position;
        }
        if step != Step::Token {
            position = position.saturating_sub(1);
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attention that rests on `places`, one a row.
    fn head(places: &[usize], width: usize, positions: usize) -> Vec<f32> {
        let row = |place: &usize| {
            let place = *place;
            (0..positions).map(move |p| {
                if p.abs_diff(place) <= width {
                    1.0
                } else {
                    0.01
                }
            })
        };
        places.iter().flat_map(row).collect()
    }

    #[test]
    fn a_token_ends_where_attention_moves_to_the_next() {
        // Rows: start, "no timestamps" (foretells the first), first (foretells the second), second (foretells the end).
        let heads = [
            head(&[0, 15, 45, 75], 14, 90),
            head(&[0, 15, 45, 75], 12, 90),
        ];
        let ends = token_ends(&heads, 4, 2, 90);
        assert_eq!(ends.len(), 2);
        assert!(
            ends[0].abs_diff(30) <= 2 && ends[1].abs_diff(60) <= 2,
            "{ends:?}"
        );
    }

    #[test]
    fn ends_never_run_backwards_even_where_attention_does() {
        let heads = [head(&[5, 60, 10, 40, 20], 5, 70)];
        let ends = token_ends(&heads, 5, 2, 70);
        assert!(ends.is_sorted() && ends.len() == 3, "{ends:?}");
    }

    #[test]
    fn more_tokens_than_positions_still_have_ends() {
        let ends = token_ends(&[vec![0.5; 12 * 3]], 12, 2, 3);
        assert!(ends.len() == 10 && ends.is_sorted() && ends.iter().all(|e| *e < 3));
        assert!(token_ends(&[], 0, 2, 10).is_empty());
    }
}
