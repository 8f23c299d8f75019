//! One leg that is being made. In: a seed, a number, a rate and a length. Out: chance and time for the kinds of sound. Cannot
//! fail.

use std::f64::consts::TAU;

use crate::seed::Seeded;

pub(super) struct Take {
    pub(super) rate_hz: u32,
    pub(super) count: usize,
    chance: Seeded,
}

impl Take {
    pub(super) fn new(seed: u64, number: u64, rate_hz: u32, seconds: u32) -> Self {
        Self {
            rate_hz,
            count: rate_hz as usize * seconds as usize,
            chance: Seeded::new(seed, "nobody speaks").at(number),
        }
    }

    /// From 0 to 1.
    pub(super) fn part(&mut self) -> f32 {
        const STEPS: u64 = 1 << 20;
        self.chance.below(STEPS) as f32 / STEPS as f32
    }

    pub(super) fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * self.part()
    }

    /// One time in `of`.
    pub(super) fn is_one_in(&mut self, of: u64) -> bool {
        self.chance.below(of) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let number = self.chance.below(of.len() as u64);
        of[usize::try_from(number).unwrap_or_default()]
    }

    /// Of full scale, from barely there to as loud as a voice: −50 to −10 dB.
    pub(super) fn level(&mut self) -> f32 {
        10_f32.powf(self.between(-2.5, -0.5))
    }

    /// From −1 to 1.
    pub(super) fn hiss(&mut self) -> f32 {
        2.0 * self.part() - 1.0
    }

    /// At least one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lengths made here, above zero and far below a usize's end"
    )]
    pub(super) fn samples(&self, seconds: f32) -> usize {
        (seconds * self.rate_hz as f32).max(1.0) as usize
    }

    pub(super) fn silence(&self) -> Vec<f32> {
        vec![0.0; self.count]
    }

    /// Makes pieces until there are enough.
    pub(super) fn filled(&mut self, mut piece: impl FnMut(&mut Self) -> Vec<f32>) -> Vec<f32> {
        let mut heard = Vec::with_capacity(self.count);
        while heard.len() < self.count {
            heard.extend(piece(self));
        }
        heard.truncate(self.count);
        heard
    }

    /// The sum of sines of these frequencies and levels.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a sample needs no f64, its phase does"
    )]
    pub(super) fn sines(&self, samples: usize, parts: &[(f32, f32)]) -> Vec<f32> {
        let sine = |n: usize, hz: f32| {
            let turns = f64::from(hz) * n as f64 / f64::from(self.rate_hz);
            (TAU * turns.fract()).sin() as f32
        };
        let sum = |n| parts.iter().map(|(hz, level)| level * sine(n, *hz)).sum();
        (0..samples).map(sum).collect()
    }
}
