//! What happens to each request to the store. In: a seed, rates, and how many requests came before. Out: one
//! [`StoreFault`]. Pure. Rates are in parts of a million, of all requests.

use crate::seed::Seeded;

const MILLION: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreFault {
    /// An error instead of the request.
    RefusedWith(u16),
    /// The request is carried out, and an error is answered.
    DeniedWith(u16),
    /// The answer breaks off in its middle; where it has no body, no answer comes.
    Truncated,
    /// The answer stops in its middle, or does not begin, and the connection stays open.
    Stalled,
    /// One bit of the answer's body is another, or of the request's where that has the body.
    Flipped,
    /// The answer comes in small pieces, each after a pause.
    Sliced,
    /// The answer comes late.
    Late,
}

impl StoreFault {
    pub fn name(self) -> &'static str {
        match self {
            Self::RefusedWith(_) => "refused",
            Self::DeniedWith(_) => "done_and_denied",
            Self::Truncated => "truncated",
            Self::Stalled => "stalled",
            Self::Flipped => "flipped",
            Self::Sliced => "sliced",
            Self::Late => "late",
        }
    }

    /// Whether a client has to do something about it.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Sliced | Self::Late)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// 500 and 503, before and after the request was carried out.
    pub errors_ppm: u64,
    pub truncated_ppm: u64,
    pub stalled_ppm: u64,
    pub flipped_ppm: u64,
    pub sliced_ppm: u64,
    pub late_ppm: u64,
}

impl Rates {
    /// What the delivery promise is held against.
    pub const PROMISED: Self = Self {
        errors_ppm: 50_000,
        truncated_ppm: 10_000,
        stalled_ppm: 10_000,
        flipped_ppm: 1_000,
        sliced_ppm: 10_000,
        late_ppm: 20_000,
    };
    pub const NONE: Self = Self {
        errors_ppm: 0,
        truncated_ppm: 0,
        stalled_ppm: 0,
        flipped_ppm: 0,
        sliced_ppm: 0,
        late_ppm: 0,
    };

    /// Of any fault.
    pub fn all_ppm(self) -> u64 {
        self.errors_ppm
            + self.truncated_ppm
            + self.stalled_ppm
            + self.flipped_ppm
            + self.sliced_ppm
            + self.late_ppm
    }
}

#[derive(Debug, Clone)]
pub struct Weather {
    rates: Rates,
    numbers: Seeded,
}

impl Weather {
    pub fn new(seed: u64, rates: Rates) -> Self {
        let numbers = Seeded::new(seed, "store");
        Self { rates, numbers }
    }

    /// What happens to the `index`-th request, and a number to choose a place by.
    pub fn fault(&self, index: u64) -> (Option<StoreFault>, u64) {
        let mut numbers = self.numbers.at(index);
        let (mut drawn, variant) = (numbers.below(MILLION), numbers.number());
        let status = if variant & 1 == 0 { 500 } else { 503 };
        let error = if variant & 2 == 0 {
            StoreFault::RefusedWith(status)
        } else {
            StoreFault::DeniedWith(status)
        };
        for (rate_ppm, fault) in [
            (self.rates.errors_ppm, error),
            (self.rates.truncated_ppm, StoreFault::Truncated),
            (self.rates.stalled_ppm, StoreFault::Stalled),
            (self.rates.flipped_ppm, StoreFault::Flipped),
            (self.rates.sliced_ppm, StoreFault::Sliced),
            (self.rates.late_ppm, StoreFault::Late),
        ] {
            if drawn < rate_ppm {
                return (Some(fault), variant);
            }
            drawn -= rate_ppm;
        }
        (None, variant)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_fault_comes_as_often_as_its_rate_says() {
        let weather = Weather::new(3, Rates::PROMISED);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for index in 0..1_000_000 {
            if let (Some(fault), _) = weather.fault(index) {
                *counts.entry(fault.name()).or_default() += 1;
            }
        }
        for (name, expected) in [
            ("refused", 25_000),
            ("done_and_denied", 25_000),
            ("truncated", 10_000),
            ("stalled", 10_000),
            ("flipped", 1_000),
            ("sliced", 10_000),
            ("late", 20_000),
        ] {
            let within = expected * 9 / 10..expected * 11 / 10;
            assert!(within.contains(&counts[name]), "{name}: {}", counts[name]);
        }
    }

    #[test]
    fn a_seed_gives_the_same_weather() {
        let (one, same) = (
            Weather::new(3, Rates::PROMISED),
            Weather::new(3, Rates::PROMISED),
        );
        let other = Weather::new(4, Rates::PROMISED);
        let all = |weather: &Weather| (0..1_000).map(|i| weather.fault(i)).collect::<Vec<_>>();
        assert_eq!(all(&one), all(&same));
        assert_ne!(all(&one), all(&other));
    }

    #[test]
    fn fine_weather_has_no_faults() {
        let weather = Weather::new(3, Rates::NONE);
        assert!((0..1_000).all(|i| weather.fault(i).0.is_none()));
    }
}
