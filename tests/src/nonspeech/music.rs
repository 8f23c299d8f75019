//! Hold music. In: a take. Out: plucked notes, as chords in a progression or as a melody over a bass and a beat. Cannot fail.
//! Notes are equal-tempered, with harmonics that fade one after the other.

use std::f32::consts::TAU;

use super::take::Take;

/// Semitones from the key note: I, vi, IV, V in a major key.
const PROGRESSION: [[i16; 3]; 4] = [[0, 4, 7], [9, 12, 16], [5, 9, 12], [7, 11, 14]];
const MAJOR_SCALE: [i16; 8] = [0, 2, 4, 5, 7, 9, 11, 12];
const MIDDLE_C_HZ: f32 = 261.63;

/// A note's loudness and the time in which it falls to a third.
#[derive(Clone, Copy)]
struct Stroke {
    level: f32,
    fade_s: f32,
}

pub(super) fn chords(take: &mut Take) -> Vec<f32> {
    let (key_hz, beat_s) = (key_hz(take), take.between(0.4, 0.9));
    let stroke = Stroke {
        level: take.level().max(0.01) / 4.0,
        fade_s: take.between(0.3, 1.5),
    };
    let beat = take.samples(beat_s);
    let mut heard = take.silence();
    for (number, at) in (0..heard.len()).step_by(beat * 2).enumerate() {
        for semitone in PROGRESSION[number % PROGRESSION.len()] {
            pluck(
                &mut heard[at..],
                pitch_hz(key_hz, semitone),
                stroke,
                take.rate_hz,
            );
        }
    }
    heard
}

pub(super) fn melody(take: &mut Take) -> Vec<f32> {
    let (key_hz, beat_s) = (key_hz(take), take.between(0.2, 0.5));
    let level = take.level().max(0.01) / 2.0;
    let (note, bass) = (Stroke { level, fade_s: 0.4 }, Stroke { level, fade_s: 0.8 });
    let beat = take.samples(beat_s);
    let mut heard = take.silence();
    let mut place = 3_usize;
    for (number, at) in (0..heard.len()).step_by(beat).enumerate() {
        // Up, down or the same: tunes move in steps.
        place = take.pick(&[
            place.saturating_sub(1),
            place,
            (place + 1).min(MAJOR_SCALE.len() - 1),
        ]);
        if !take.is_one_in(5) {
            let hz = pitch_hz(key_hz, MAJOR_SCALE[place] + 12);
            pluck(&mut heard[at..], hz, note, take.rate_hz);
        }
        if number % 4 == 0 {
            let root = PROGRESSION[number / 4 % PROGRESSION.len()][0];
            pluck(
                &mut heard[at..],
                pitch_hz(key_hz, root - 12),
                bass,
                take.rate_hz,
            );
        }
        if number % 2 == 1 {
            brush(take, level, &mut heard[at..]);
        }
    }
    heard
}

/// Within half an octave of middle C.
fn key_hz(take: &mut Take) -> f32 {
    MIDDLE_C_HZ * 2_f32.powf(take.between(-0.5, 0.5))
}

fn pitch_hz(key_hz: f32, semitone: i16) -> f32 {
    key_hz * 2_f32.powf(f32::from(semitone) / 12.0)
}

fn pluck(onto: &mut [f32], hz: f32, stroke: Stroke, rate_hz: u32) {
    let rate = rate_hz as f32;
    let lasting = onto.iter_mut().enumerate();
    for (n, sum) in lasting.take_while(|(n, _)| *n as f32 <= 3.0 * stroke.fade_s * rate) {
        let t = n as f32 / rate;
        let harmonic = |h: f32| (-t * h / stroke.fade_s).exp() * (TAU * hz * h * t).sin() / h;
        let attack = (t / 0.01).min(1.0);
        let audible = [1.0_f32, 2.0, 3.0, 4.0, 5.0]
            .into_iter()
            .filter(|h| hz * h < rate / 2.0);
        *sum += stroke.level * attack * audible.map(harmonic).sum::<f32>();
    }
}

/// On a drum.
fn brush(take: &mut Take, level: f32, onto: &mut [f32]) {
    let (length, fade) = (take.samples(0.08), 0.02 * take.rate_hz as f32);
    for (n, sum) in onto.iter_mut().enumerate().take(length) {
        *sum += level * (-(n as f32) / fade).exp() * take.hiss();
    }
}
