use std::f32::consts::TAU;

use super::*;

/// The sound after half a second of the sum of these frequencies.
fn after(tones: &[f32], amplitude: f32) -> Vec<Sound> {
    let sample = |i: usize| {
        let t = i as f32 / SAMPLE_RATE_HZ as f32;
        tones
            .iter()
            .map(|hz| amplitude * (TAU * hz * t).sin())
            .sum::<f32>()
    };
    sounds((0..8_192).map(sample))
}

fn sounds(samples: impl Iterator<Item = f32>) -> Vec<Sound> {
    let samples: Vec<f32> = samples.collect();
    let mut meter = SoundMeter::default();
    samples
        .as_chunks::<STEP_SAMPLES>()
        .0
        .iter()
        .map(|step| meter.hear(step))
        .collect()
}

#[test]
fn each_key_is_told_from_a_mere_pair_of_tones() {
    for low in DTMF_LOW_HZ {
        for high in DTMF_HIGH_HZ {
            // From the first whole window on: a key may be over then.
            let sounds = after(&[low, high], 0.2);
            let all_keys = sounds[1..].iter().all(|s| s.tone == Some(Tone::Dtmf));
            assert!(all_keys, "{low} and {high} Hz: {sounds:?}");
        }
    }
    for other in [
        &[440.0, 480.0][..],
        &[480.0, 620.0],
        &[425.0],
        &[1_000.0],
        &[1_400.0],
    ] {
        let last = *after(other, 0.2).last().unwrap();
        assert_eq!(last.tone, Some(Tone::Steady), "{other:?} Hz");
    }
}

#[test]
fn a_chord_stands_still_and_a_glide_does_not() {
    let chord = after(&[220.0, 440.0, 660.0, 880.0, 1_320.0, 1_760.0], 0.05);
    assert!(
        chord[8..].iter().all(|s| s.still >= 90 && s.tone.is_none()),
        "{chord:?}"
    );
    let glide = |i: usize| {
        let t = i as f32 / SAMPLE_RATE_HZ as f32;
        let turns = 150.0 * t + 40.0 * t * t;
        (1..16u16)
            .map(|k| 0.05 * (TAU * turns * f32::from(k)).sin())
            .sum::<f32>()
    };
    let glide = sounds((0..16_384).map(glide));
    let mean = glide.iter().map(|s| u32::from(s.still)).sum::<u32>() / 32;
    assert!(mean < 45, "{mean}");
}

#[test]
fn levels_are_in_decibels_below_full_scale() {
    for (amplitude, db) in [(1.0, -3), (0.1, -23), (0.0, -127)] {
        let level = after(&[1_000.0], amplitude).last().unwrap().level_db;
        assert!((level - db).abs() <= 1, "{level} dB for {amplitude}");
    }
    assert!(!after(&[], 0.0).last().unwrap().is_audible());
}

#[test]
fn decibels_are_within_a_hundredth() {
    for step in 0..4_000u16 {
        let power = 10f32.powf(f32::from(step) / 250.0 - 12.0);
        let exact = 10.0 * power.log10();
        let off = (decibels(power) - exact).abs();
        assert!(off < 0.01, "{power}: {off} dB");
    }
    assert!((decibels(0.0) + 120.0).abs() < 0.01);
}

#[test]
fn peaks_are_near_within_one_bin_even_across_words() {
    let of = |bins: &[usize]| {
        let mut peaks = PeakBins::default();
        bins.iter().for_each(|&bin| peaks.insert(bin));
        peaks
    };
    let then = of(&[0, 63, 128, 211]);
    for (bin, near) in [
        (0, 1),
        (1, 1),
        (2, 0),
        (62, 1),
        (64, 1),
        (65, 0),
        (127, 1),
        (129, 1),
        (130, 0),
        (210, 1),
        (209, 0),
    ] {
        assert_eq!(of(&[bin]).count_near(&then), near, "{bin}");
    }
    assert_eq!(of(&[1, 62, 64, 100]).count_near(&then), 3);
    assert_eq!(then.count(), 4);
}
