use super::Resampler;

const RATES_HZ: [u32; 12] = [
    4_000, 7_999, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
];

fn resample(from_hz: u32, samples: &[f32], piece: usize) -> Vec<f32> {
    let mut resampler = Resampler::new(from_hz).unwrap();
    let mut out = Vec::new();
    for part in samples.chunks(piece) {
        resampler.push(part, &mut out).unwrap();
    }
    resampler.finish(&mut out).unwrap();
    out
}

#[expect(clippy::cast_possible_truncation, reason = "f64 to f32 only rounds")]
fn tone(rate_hz: u32, tone_hz: f64, count: usize) -> Vec<f32> {
    let turns = |i: usize| tone_hz * i as f64 / f64::from(rate_hz);
    (0..count)
        .map(|i| ((std::f64::consts::TAU * turns(i)).sin() * 0.5) as f32)
        .collect()
}

#[test]
fn output_is_as_long_as_the_input() {
    for from_hz in RATES_HZ {
        for count in [0, 1, 79, 80, 201, 511, 512, 513, 4_096, 20_000] {
            let out = resample(from_hz, &vec![0.1; count], 1000);
            let wanted = (count as u64 * 16_000).div_ceil(u64::from(from_hz));
            assert_eq!(out.len() as u64, wanted, "{count} samples at {from_hz} Hz");
        }
    }
}

#[test]
fn an_impulse_stays_at_its_time() {
    for from_hz in RATES_HZ {
        let at = from_hz as usize / 2;
        let mut samples = vec![0.0; from_hz as usize];
        samples[at] = 1.0;
        let out = resample(from_hz, &samples, 777);
        let peak = (0..out.len())
            .max_by(|&a, &b| out[a].abs().total_cmp(&out[b].abs()))
            .unwrap();
        let wanted = at as f64 * 16_000.0 / f64::from(from_hz);
        assert!(
            (peak as f64 - wanted).abs() <= 1.0,
            "at {from_hz} Hz: {peak}, not {wanted}"
        );
    }
}

#[test]
fn a_tone_keeps_its_amplitude_and_phase() {
    for from_hz in RATES_HZ {
        let out = resample(from_hz, &tone(from_hz, 440.0, from_hz as usize), 333);
        let wanted = tone(16_000, 440.0, 16_000);
        for i in 2_000..14_000 {
            assert!(
                (out[i] - wanted[i]).abs() < 0.002,
                "at {from_hz} Hz, sample {i}: {} for {}",
                out[i],
                wanted[i]
            );
        }
    }
}

#[test]
fn a_tone_above_8_khz_does_not_fold_back() {
    let out = resample(48_000, &tone(48_000, 9_500.0, 48_000), 4_800);
    let loudest = out[2_000..14_000]
        .iter()
        .fold(0.0f32, |m, s| m.max(s.abs()));
    assert!(loudest < 0.001, "{loudest}");
}

#[test]
fn a_ramp_stays_a_ramp() {
    let samples: Vec<f32> = (0..8_000).map(|i| i as f32 / 8_000.0).collect();
    let out = resample(8_000, &samples, 160);
    for (i, value) in out.iter().enumerate().take(15_000).skip(1_000) {
        let wanted = i as f32 / 16_000.0;
        assert!((value - wanted).abs() < 0.001, "sample {i}: {value}");
    }
}

#[test]
fn silence_stays_silence() {
    for from_hz in RATES_HZ {
        let out = resample(from_hz, &vec![0.0; 10_000], 256);
        assert!(out.iter().all(|&s| s == 0.0), "at {from_hz} Hz");
    }
}

#[test]
fn pieces_of_any_length_give_the_same_bytes() {
    for from_hz in RATES_HZ {
        let samples = tone(from_hz, 300.0, 9_973);
        let whole = resample(from_hz, &samples, samples.len());
        for piece in [1, 7, 160, 512, 4_095] {
            assert!(
                resample(from_hz, &samples, piece) == whole,
                "{piece} at {from_hz} Hz"
            );
        }
    }
}

#[test]
fn a_rate_of_zero_is_refused() {
    assert!(Resampler::new(0).is_err());
}
