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
    let mut scores = [0.0; KEY_BLOCK];
    score_keys(&query, &keys, &mut scores);
    for (position, score) in scores.iter().enumerate() {
        close(
            *score,
            (0..HEAD).map(|d| query[d] * key(position, d)).sum(),
            1e-4,
        );
    }
    let weights: Vec<f32> = (0..KEY_BLOCK).map(|p| p as f32).collect();
    let mut mixed = [0.0; HEAD];
    mix_values(&weights, &values, &mut mixed);
    for (d, found) in mixed.iter().enumerate() {
        close(
            *found,
            (0..KEY_BLOCK).map(|p| weights[p] * key(p, d)).sum(),
            1e-2,
        );
    }
}
