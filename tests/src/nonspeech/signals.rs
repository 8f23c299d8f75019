//! Tones of telephones and exchanges. In: a take. Out: its samples. Cannot fail. Frequencies and cadences are those of ITU-T
//! E.180 and its supplement, Q.23 for keys, T.30 and V.21 for fax.

use super::take::Take;

/// Frequencies, and seconds on and off in turns.
type Signal = (&'static [f32], &'static [f32]);
/// North America, Great Britain, most of Europe, Japan.
const RING_BACKS: [Signal; 4] = [
    (&[440.0, 480.0], &[2.0, 4.0]),
    (&[400.0, 450.0], &[0.4, 0.2, 0.4, 2.0]),
    (&[425.0], &[1.0, 4.0]),
    (&[384.0, 416.0], &[1.0, 2.0]),
];
/// The same but for the last, and North America's reorder tone.
const BUSY: [Signal; 4] = [
    (&[480.0, 620.0], &[0.5, 0.5]),
    (&[400.0], &[0.375, 0.375]),
    (&[425.0], &[0.48, 0.48]),
    (&[480.0, 620.0], &[0.25, 0.25]),
];
/// Seconds of each of the three, and of the pause.
const INTERCEPT_HZ: [f32; 3] = [950.0, 1_400.0, 1_800.0];
const INTERCEPT_S: (f32, f32) = (0.33, 1.0);
const KEY_ROWS_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const KEY_COLUMNS_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// Calling tone, answering tone, and the two of the answerer's modem at 300 bit/s.
const CALLING_HZ: f32 = 1_100.0;
const ANSWERING_HZ: f32 = 2_100.0;
const BITS_HZ: [f32; 2] = [1_650.0, 1_850.0];
const BITS_PER_S: f32 = 300.0;

pub(super) fn ring_back(take: &mut Take) -> Vec<f32> {
    cadence(take, &RING_BACKS)
}

pub(super) fn busy(take: &mut Take) -> Vec<f32> {
    cadence(take, &BUSY)
}

fn cadence(take: &mut Take, all: &[Signal]) -> Vec<f32> {
    let ((tones, cadence), level) = (take.pick(all), take.level());
    let parts: Vec<(f32, f32)> = tones
        .iter()
        .map(|hz| (*hz, level / tones.len() as f32))
        .collect();
    let mut heard = take.sines(take.count, &parts);
    let mut at = 0;
    for (stretch, seconds) in cadence.iter().cycle().enumerate() {
        let end = (at + take.samples(*seconds)).min(heard.len());
        if stretch % 2 == 1 {
            heard[at..end].fill(0.0);
        }
        if end == heard.len() {
            break;
        }
        at = end;
    }
    let hiss = take.level() * 0.02;
    heard.iter().map(|s| s + hiss * take.hiss()).collect()
}

/// Stretches of lone tones, steady or sweeping.
pub(super) fn tones(take: &mut Take) -> Vec<f32> {
    take.filled(|take| {
        let length = take.between(0.2, 3.5);
        let (hz, level) = (take.between(150.0, 3_200.0), take.level());
        let sweep = if take.is_one_in(3) {
            take.between(-150.0, 150.0)
        } else {
            0.0
        };
        let length = take.samples(length);
        let mut phase = 0.0_f32;
        let mut piece: Vec<f32> = (0..length)
            .map(|n| {
                let now_hz = hz + sweep * n as f32 / take.rate_hz as f32;
                phase = (phase + now_hz / take.rate_hz as f32).fract();
                level * (std::f32::consts::TAU * phase).sin()
            })
            .collect();
        piece.resize(length + length / 2, 0.0);
        piece
    })
}

/// "The number you have dialled": the three rising tones before it, and not it.
pub(super) fn intercept(take: &mut Take) -> Vec<f32> {
    let level = take.level();
    take.filled(|take| {
        let mut piece = Vec::new();
        for hz in INTERCEPT_HZ {
            piece.extend(take.sines(take.samples(INTERCEPT_S.0), &[(hz, level)]));
        }
        piece.resize(piece.len() + take.samples(INTERCEPT_S.1), 0.0);
        piece
    })
}

/// Numbers that somebody dials: keys of a machine or of a thumb, and a pause now and then.
pub(super) fn keys(take: &mut Take) -> Vec<f32> {
    let level = take.level();
    // The higher tone is sent up to 4 dB louder.
    let twist = take.between(1.0, 1.6);
    take.filled(|take| {
        let (row, column) = (take.pick(&KEY_ROWS_HZ), take.pick(&KEY_COLUMNS_HZ));
        let (on, off) = (take.between(0.045, 0.3), take.between(0.045, 0.25));
        let parts = [(row, level / 2.0), (column, level * twist / 2.0)];
        let mut piece = take.sines(take.samples(on), &parts);
        let off = if take.is_one_in(9) { off + 1.5 } else { off };
        piece.resize(piece.len() + take.samples(off), 0.0);
        piece
    })
}

pub(super) fn fax(take: &mut Take) -> Vec<f32> {
    let level = take.level();
    take.filled(|take| {
        let mut piece = Vec::new();
        for _ in 0..take.pick(&[1, 2, 3]) {
            piece.extend(take.sines(take.samples(0.5), &[(CALLING_HZ, level)]));
            piece.resize(piece.len() + take.samples(3.0), 0.0);
        }
        piece.extend(take.sines(take.samples(3.3), &[(ANSWERING_HZ, level)]));
        let mut phase = 0.0_f32;
        for _ in 0..600 {
            let hz = take.pick(&BITS_HZ);
            for _ in 0..take.samples(1.0 / BITS_PER_S) {
                phase = (phase + hz / take.rate_hz as f32).fract();
                piece.push(level * (std::f32::consts::TAU * phase).sin());
            }
        }
        piece
    })
}
