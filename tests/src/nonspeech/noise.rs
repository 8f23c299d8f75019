//! Noise of lines and rooms. In: a take. Out: its samples. Cannot fail. Pink noise is P. Kellet's economy filter, which falls
//! by 3 dB an octave within half a decibel.

use super::line::Biquad;
use super::take::Take;

pub(super) fn white(take: &mut Take) -> Vec<f32> {
    let level = take.level();
    hissing(take, level)
}

fn hissing(take: &mut Take, level: f32) -> Vec<f32> {
    (0..take.count).map(|_| level * take.hiss()).collect()
}

pub(super) fn pink(take: &mut Take) -> Vec<f32> {
    let (count, level) = (take.count, take.level());
    let (mut a, mut b, mut c) = (0.0_f32, 0.0_f32, 0.0_f32);
    let next = |_| {
        let white = take.hiss();
        a = 0.997_65 * a + white * 0.099_046;
        b = 0.963_00 * b + white * 0.296_516_4;
        c = 0.570_00 * c + white * 1.052_691_3;
        level * (a + b + c + white * 0.184_8) / 2.0
    };
    (0..count).map(next).collect()
}

/// The mains and its overtones, with a little hiss. 50 Hz in most of the world, 60 in America.
pub(super) fn hum(take: &mut Take) -> Vec<f32> {
    let (mains, level) = (take.pick(&[50.0, 60.0]), 0.5 * take.level());
    let overtones = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 7.0, 9.0];
    let parts = overtones.map(|n| (n * mains, level * take.between(0.1, 1.0) / n));
    let hum = take.sines(take.count, &parts);
    let hiss_level = level * take.between(0.02, 0.5);
    let hiss = hissing(take, hiss_level);
    hum.iter().zip(hiss).map(|(hum, hiss)| hum + hiss).collect()
}

/// What a line carries when nothing does: comfort noise that comes and goes, and clicks.
pub(super) fn of_a_line(take: &mut Take) -> Vec<f32> {
    let cutoff_hz = take.between(500.0, 3_000.0);
    let mut dull = Biquad::lowpass(cutoff_hz, take.rate_hz);
    take.filled(|take| {
        let (length, level) = (
            take.between(0.5, 6.0),
            10_f32.powf(take.between(-3.5, -1.5)),
        );
        let mut piece: Vec<f32> = (0..take.samples(length))
            .map(|_| dull.pass(level * take.hiss()))
            .collect();
        if take.is_one_in(3) {
            click(take, &mut piece);
        }
        piece
    })
}

/// A contact closing: a few milliseconds that ring off.
fn click(take: &mut Take, onto: &mut [f32]) {
    let (level, fade_s) = (take.level(), take.between(0.001, 0.006));
    let fade = fade_s * take.rate_hz as f32;
    for (n, sample) in onto.iter_mut().enumerate().take(take.samples(0.03)) {
        *sample += level * take.hiss() * (-(n as f32) / fade).exp();
    }
}
