use super::product::multiply_at;
use super::*;
use crate::native::kernels::{Level, level};

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / 16_777_216.0 - 0.5) * 4.0
        })
        .collect()
}

fn rows(values: &[f32], width: usize) -> Q8Rows {
    let mut rows = Q8Rows::default();
    rows.fill(values, width);
    rows
}

/// Those of this processor; the others are named.
fn levels(test: &str) -> Vec<Level> {
    let all = [Level::Portable, Level::Avx2, Level::Vnni];
    let reached = all.iter().position(|l| *l == level()).unwrap();
    for missing in &all[reached + 1..] {
        println!("skipped: {test}: this processor has no {missing:?}");
    }
    all[..=reached].to_vec()
}

#[test]
fn every_level_gives_the_same_bits_and_the_product_within_the_steps() {
    let levels = levels("every_level_gives_the_same_bits_and_the_product_within_the_steps");
    for (count, inputs, outputs) in [(1, 64, 64), (5, 384, 200), (6, 512, 64), (13, 128, 65)] {
        let (x, w) = (numbers(count * inputs, 1), numbers(outputs * inputs, 2));
        let bias = numbers(outputs, 3);
        let matrix = Q8Matrix::new(&w, inputs, &bias);
        let mut wanted: Option<Vec<f32>> = None;
        for &level in &levels {
            let mut out = vec![0.0; count * outputs];
            multiply_at(level, &matrix, &rows(&x, inputs), &mut out);
            assert_eq!(*wanted.get_or_insert_with(|| out.clone()), out, "{level:?}");
        }
        let out = wanted.unwrap();
        for (row, x) in x.chunks_exact(inputs).enumerate() {
            for (output, w) in w.chunks_exact(inputs).enumerate() {
                let exact: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum::<f32>() + bias[output];
                let off = (out[row * outputs + output] - exact).abs();
                // Two roundings of at most half a step of 2/127 on values of up to 2, adding up like noise.
                assert!(
                    off < 0.06 * (inputs as f32).sqrt(),
                    "{off} at {row}, {output}"
                );
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let (inputs, outputs) = (128, 96);
    let matrix = Q8Matrix::new(&numbers(inputs * outputs, 4), inputs, &[]);
    let x = numbers(9 * inputs, 5);
    let mut together = vec![0.0; 9 * outputs];
    matrix.multiply(&rows(&x, inputs), &mut together);
    for (row, together) in x.chunks_exact(inputs).zip(together.chunks_exact(outputs)) {
        let mut alone = vec![0.0; outputs];
        matrix.multiply(&rows(row, inputs), &mut alone);
        assert_eq!(alone, together);
    }
}

#[test]
fn rows_of_zeros_stay_zeros_and_stored_weights_can_be_read() {
    let matrix = Q8Matrix::new(&[1.0, -2.0, 0.0, 0.5], 4, &[]);
    let mut out = [9.0];
    matrix.multiply(&rows(&[0.0; 4], 4), &mut out);
    assert_eq!(out, [0.0]);
    let mut row = [0.0; 4];
    matrix.row(0, &mut row);
    assert!((row[1] + 2.0).abs() < 1e-6 && (row[0] - 1.0).abs() < 0.01);
}
