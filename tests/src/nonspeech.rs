//! What is heard on a telephone when nobody speaks. In: a seed and a length. Out: recordings of every kind of sound there is on
//! a line, the same for the same seed. Fails where the sample call, of whose voices one kind is made, cannot be read.
//! Sources: ITU-T E.180 (signals of exchanges), Q.23 (keys), T.30 and V.21 (fax).

mod crowd;
mod line;
mod music;
mod noise;
mod signals;
mod take;

use crate::recordings::{samples, wav};
use take::Take;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Silence,
    LineNoise,
    Hum,
    Tones,
    Intercept,
    Keys,
    RingBack,
    Busy,
    Fax,
    White,
    Pink,
    Babble,
    Crowd,
    Chords,
    Melody,
}

#[rustfmt::skip] // a table reads as one
pub const KINDS: [(Kind, &str); 15] = [
    (Kind::Silence, "silence"), (Kind::LineNoise, "line noise and clicks"), (Kind::Hum, "line hum"),
    (Kind::Tones, "tones"), (Kind::Intercept, "information tones"), (Kind::Keys, "DTMF"),
    (Kind::RingBack, "ring-back"), (Kind::Busy, "busy"), (Kind::Fax, "fax"), (Kind::White, "white noise"),
    (Kind::Pink, "pink noise"), (Kind::Babble, "babble, voices backwards"), (Kind::Crowd, "babble, formants"),
    (Kind::Chords, "hold music, chords"), (Kind::Melody, "hold music, melody"),
];

/// A recording in which nobody speaks.
#[derive(Debug)]
pub struct Unspoken {
    /// Of the first leg.
    pub kind: Kind,
    pub name: String,
    pub legs_count: u16,
    /// A WAV file.
    pub bytes: Vec<u8>,
}

/// How one recording of a kind differs from the others.
struct Manner {
    rate_hz: u32,
    is_telephone: bool,
    has_second_leg: bool,
}

#[rustfmt::skip] // a table reads as one
const MANNERS: [Manner; 4] = [
    Manner { rate_hz: 8_000, is_telephone: false, has_second_leg: false },
    Manner { rate_hz: 16_000, is_telephone: false, has_second_leg: false },
    Manner { rate_hz: 8_000, is_telephone: true, has_second_leg: true },
    Manner { rate_hz: 16_000, is_telephone: true, has_second_leg: false },
];

/// Four recordings of `seconds` of each kind: at 8 and 16 kHz, as it is and through a telephone, and one of two legs, whose
/// other leg has the next kind. With 60 s each they last an hour.
///
/// # Errors
/// The sample call cannot be read.
pub fn recordings(
    seed: u64,
    seconds: u32,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Unspoken>>> {
    let voices: Vec<f32> = samples()?
        .iter()
        .map(|s| f32::from(*s) / 32_768.0)
        .collect();
    let all = (0..KINDS.len()).flat_map(|kind| MANNERS.iter().map(move |manner| (kind, manner)));
    Ok((0..).zip(all).map(move |(number, (index, manner))| {
        let mut kinds = vec![index];
        if manner.has_second_leg {
            kinds.push((index + 1) % KINDS.len());
        }
        let legs = (0..).zip(&kinds).map(|(leg, kind)| {
            let take = Take::new(seed, 2 * number + leg, manner.rate_hz, seconds);
            leg_of(KINDS[*kind].0, take, manner, &voices)
        });
        let legs: Vec<Vec<i16>> = legs.collect();
        let (kind, name) = KINDS[index];
        Ok(Unspoken {
            kind,
            name: format!("{name} {number}"),
            legs_count: if manner.has_second_leg { 2 } else { 1 },
            bytes: wav::of_legs(&legs, manner.rate_hz)?,
        })
    }))
}

fn leg_of(kind: Kind, mut take: Take, manner: &Manner, voices: &[f32]) -> Vec<i16> {
    let mut heard = match kind {
        Kind::Silence => take.silence(),
        Kind::LineNoise => noise::of_a_line(&mut take),
        Kind::Hum => noise::hum(&mut take),
        Kind::Tones => signals::tones(&mut take),
        Kind::Intercept => signals::intercept(&mut take),
        Kind::Keys => signals::keys(&mut take),
        Kind::RingBack => signals::ring_back(&mut take),
        Kind::Busy => signals::busy(&mut take),
        Kind::Fax => signals::fax(&mut take),
        Kind::White => noise::white(&mut take),
        Kind::Pink => noise::pink(&mut take),
        Kind::Babble => crowd::backwards(&mut take, voices),
        Kind::Crowd => crowd::formants(&mut take),
        Kind::Chords => music::chords(&mut take),
        Kind::Melody => music::melody(&mut take),
    };
    if manner.is_telephone {
        line::through_telephone(&mut heard, manner.rate_hz);
    }
    heard.into_iter().map(as_sample).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "within an i16 by the clamp"
)]
fn as_sample(value: f32) -> i16 {
    (value.clamp(-1.0, 1.0) * 32_767.0).round() as i16
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn recordings_follow_from_the_seed_and_each_is_of_its_own() {
        let made =
            |seed| -> Vec<Unspoken> { recordings(seed, 4).unwrap().map(Result::unwrap).collect() };
        let (one, again, other) = (made(1), made(1), made(2));
        assert_eq!(one.len(), KINDS.len() * MANNERS.len());
        let kinds: BTreeSet<Kind> = one.iter().map(|r| r.kind).collect();
        assert_eq!(kinds.len(), KINDS.len());
        for ((a, b), c) in one.iter().zip(&again).zip(&other) {
            assert_eq!(a.bytes, b.bytes, "{}", a.name);
            let is_silence = a.kind == Kind::Silence && a.legs_count == 1;
            assert_eq!(a.bytes == c.bytes, is_silence, "{}", a.name);
        }
        let different: BTreeSet<&[u8]> = one.iter().map(|r| r.bytes.as_slice()).collect();
        // The three silent ones of one leg differ in nothing but the rate.
        assert_eq!(different.len(), one.len() - 1);
    }

    #[test]
    fn every_kind_is_heard_and_none_is_as_loud_as_to_be_cut_off() {
        let voices: Vec<f32> = samples()
            .unwrap()
            .iter()
            .map(|s| f32::from(*s) / 32_768.0)
            .collect();
        for (kind, name) in KINDS {
            for (manner, number) in MANNERS.iter().zip(0..) {
                let take = Take::new(3, number, manner.rate_hz, 8);
                let leg = leg_of(kind, take, manner, &voices);
                let peak = leg.iter().map(|s| s.unsigned_abs()).max();
                assert_eq!(peak == Some(0), kind == Kind::Silence, "{name}");
                let full = leg.iter().filter(|s| s.unsigned_abs() == 32_767).count();
                assert!(full * 1_000 < leg.len(), "{name}: {full}");
            }
        }
    }
}
