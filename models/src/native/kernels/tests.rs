use super::*;

fn close(found: f32, wanted: f32, tolerance: f32) {
    let off = (found - wanted).abs();
    assert!(off <= tolerance, "{found} for {wanted}");
}

#[test]
fn the_error_unit_follows_its_definition() {
    // x · Φ(x), from tables of the normal distribution.
    let rows = [
        (0.0, 0.0),
        (1.0, 0.841_344_7),
        (-1.0, -0.158_655_3),
        (3.0, 2.995_950_3),
        (-8.0, 0.0),
    ];
    let mut values = rows.map(|(x, _)| x);
    gelu(&mut values);
    for ((_, wanted), found) in rows.iter().zip(values) {
        close(found, *wanted, 1e-6);
    }
}

#[test]
fn probabilities_add_up_and_keep_their_ratios() {
    let mut scores: Vec<f32> = (0..100_u8).map(|i| f32::from(i) / 10.0).collect();
    let log_sum = log_sum_exp(&scores);
    softmax(&mut scores);
    close(scores.iter().sum(), 1.0, 1e-5);
    close(scores[99] / scores[89], std::f32::consts::E, 1e-4);
    close(scores[99], (9.9 - log_sum).exp(), 1e-6);
    let mut far = [0.0, -200.0];
    softmax(&mut far);
    assert_eq!(far, [1.0, 0.0]);
}

#[test]
fn a_normalised_row_has_mean_0_and_variance_1() {
    let row: Vec<f32> = (0..40_u8).map(|i| f32::from(i) * 3.0 + 7.0).collect();
    let mut out = vec![0.0; 40];
    layer_norm(&row, &[1.0; 40], &[0.0; 40], &mut out);
    close(out.iter().sum::<f32>() / 40.0, 0.0, 1e-5);
    close(out.iter().map(|x| x * x).sum::<f32>() / 40.0, 1.0, 1e-4);
}

#[test]
fn bytes_are_the_nearest_steps_around_128() {
    let mut out = [0; 5];
    let step = quantize(&[127.0, -127.0, 0.0, 1.4, -1.6], &mut out);
    assert_eq!((step, out), (1.0, [255, 1, 128, 129, 126]));
}

#[test]
fn attention_over_narrow_keys_and_values_is_the_sum_it_stands_for() {
    let query: [f32; HEAD] = std::array::from_fn(|d| (d % 7) as f32 - 3.0);
    let key = |position: usize, d: usize| ((position * 5 + d) % 9) as f32 / 4.0 - 1.0;
    let mut keys = vec![0_u16; HEAD * KEY_BLOCK];
    let mut values = vec![0_u16; HEAD * KEY_BLOCK];
    for position in 0..KEY_BLOCK {
        for d in 0..HEAD {
            narrow(
                &[key(position, d)],
                &mut keys[d * KEY_BLOCK + position..][..1],
            );
            narrow(&[key(position, d)], &mut values[position * HEAD + d..][..1]);
        }
    }
    // One more than are taken at once.
    let queries: Vec<[f32; HEAD]> = (0..6_u8).map(|q| query.map(|x| x + f32::from(q))).collect();
    let mut scores = vec![0.0; queries.len() * KEY_BLOCK];
    score_keys(&queries, &keys, &mut scores);
    for (query, scores) in queries.iter().zip(scores.chunks(KEY_BLOCK)) {
        for (position, score) in scores.iter().enumerate() {
            let wanted = (0..HEAD).map(|d| query[d] * key(position, d)).sum();
            close(*score, wanted, 1e-3);
        }
    }
    let count = queries.len();
    let weight = |query: usize, position: usize| (query + position) as f32;
    let weights: Vec<f32> = (0..count * KEY_BLOCK)
        .map(|i| weight(i / KEY_BLOCK, i % KEY_BLOCK))
        .collect();
    let mut mixed = vec![[0.0; HEAD]; count];
    mix_values(&weights, KEY_BLOCK, &values, &mut mixed);
    for (query, mixed) in mixed.iter().enumerate() {
        for (d, found) in mixed.iter().enumerate() {
            let wanted = (0..KEY_BLOCK).map(|p| weight(query, p) * key(p, d)).sum();
            close(*found, wanted, 1e-2);
        }
    }
}

#[test]
fn the_highest_places_are_those_that_sorting_finds() {
    let scores: Vec<f32> = (0..1_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 25) as f32)
        .collect();
    let mut sorted: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    for count in [1, 2, 6, 40] {
        assert_eq!(highest_places(&scores, count), sorted[..count]);
    }
    assert_eq!(highest_places(&[f32::NEG_INFINITY; 3], 2), []);
    assert_eq!(highest_places(&[1.0], 6), [(0, 1.0)]);
}

#[test]
fn medians_are_those_that_sorting_finds() {
    let row: Vec<f32> = (0..500_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as f32 - 11.0)
        .collect();
    let mut found = vec![0.0; row.len() - 6];
    medians(&row, &mut found);
    for (seven, found) in row.windows(7).zip(found) {
        let mut sorted = seven.to_vec();
        sorted.sort_by(f32::total_cmp);
        assert_eq!(found, sorted[3], "{seven:?}");
    }
}
