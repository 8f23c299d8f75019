//! Many voices at once, and no word. In: a take, and for one kind real voices at 8 kHz. Out: its samples. Cannot fail. One is
//! speech in short pieces, backwards; the other is made of pulses and hiss that ring in three formants each.

use super::line::Biquad;
use super::take::Take;

/// What the voices were recorded at.
const VOICES_HZ: u32 = 8_000;

/// Twelve voices backwards, in pieces of a tenth to half a second.
pub(super) fn backwards(take: &mut Take, voices: &[f32]) -> Vec<f32> {
    const TALKERS: usize = 12;
    let level = 0.5 * take.level().max(0.02);
    // One sample of ours for each of theirs, or the one between two.
    let steps = (take.rate_hz / VOICES_HZ).max(1) as usize;
    let mut heard = take.silence();
    for _ in 0..TALKERS {
        let mut at = 0;
        while at < heard.len() {
            let (seconds, from) = (take.between(0.1, 0.5), take.part());
            let length = take.samples(seconds).min(heard.len() - at);
            let room = voices.len().saturating_sub(length / steps + 2);
            let last = take.samples(from) * room / take.rate_hz as usize + length / steps;
            for (n, sum) in heard[at..at + length].iter_mut().enumerate() {
                let (back, between) = (n / steps, (n % steps) as f32 / steps as f32);
                let one = voices
                    .get(last.saturating_sub(back))
                    .copied()
                    .unwrap_or_default();
                let next = voices
                    .get(last.saturating_sub(back + 1))
                    .copied()
                    .unwrap_or_default();
                *sum += level * (one + between * (next - one));
            }
            at += length;
        }
    }
    heard
}

/// Ten talkers whose pitch and formants wander, a syllable at a time.
pub(super) fn formants(take: &mut Take) -> Vec<f32> {
    const TALKERS: usize = 10;
    let level = 0.4 * take.level().max(0.02);
    let mut heard = take.silence();
    for _ in 0..TALKERS {
        let pitch_hz = take.between(85.0, 240.0);
        let mut at = 0;
        while at < heard.len() {
            let seconds = take.between(0.12, 0.35);
            let end = (at + take.samples(seconds)).min(heard.len());
            if take.is_one_in(6) {
                at = end;
                continue;
            }
            syllable(take, pitch_hz, level, &mut heard[at..end]);
            at = end;
        }
    }
    heard
}

fn syllable(take: &mut Take, pitch_hz: f32, level: f32, onto: &mut [f32]) {
    const RANGES_HZ: [(f32, f32); 3] = [(250.0, 850.0), (850.0, 2_300.0), (2_300.0, 3_200.0)];
    let mut mouth = RANGES_HZ.map(|(least, most)| {
        let hz = take.between(least, most);
        Biquad::resonance(hz, 60.0 + hz / 20.0, take.rate_hz)
    });
    let (start, glide) = (pitch_hz * take.between(0.85, 1.2), take.between(-0.3, 0.2));
    // The first part may be a consonant.
    let hiss_until = if take.is_one_in(2) {
        take.between(0.1, 0.4)
    } else {
        0.0
    };
    let (length, mut phase) = (onto.len() as f32, 0.0_f32);
    for (n, sum) in onto.iter_mut().enumerate() {
        let through = n as f32 / length;
        let hz = start * (1.0 + glide * through);
        phase += hz / take.rate_hz as f32;
        let pulse = if phase >= 1.0 { 8.0 } else { 0.0 };
        phase = phase.fract();
        let breath = if through < hiss_until { 1.5 } else { 0.05 };
        let source = pulse + breath * take.hiss();
        let ringing: f32 = mouth.iter_mut().map(|formant| formant.pass(source)).sum();
        *sum += level * (std::f32::consts::PI * through).sin() * ringing;
    }
}
