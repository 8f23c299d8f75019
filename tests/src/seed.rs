//! Numbers that follow from a seed, for ever: no library's update may change what a seed of an old report means.
//! In: a seed and a name for what it is used for. Out: a stream of numbers. Source: Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators", 2014 (SplitMix64).

/// One stream. Streams of different names have nothing to do with each other.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a, so that the name takes part.
        let named = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ named)
    }

    /// The plain stream of a number.
    pub fn from_state(state: u64) -> Self {
        Self(state)
    }

    /// The stream's own stream for the `index`-th of something, wherever this one stands.
    pub fn at(&self, index: u64) -> Self {
        let mut at = Self(self.0 ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(at.number())
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to one below `end`; 0 where there is nothing to choose from.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        // The published first outputs of SplitMix64 for the state 0.
        let mut plain = Seeded::from_state(0);
        assert_eq!(plain.number(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(plain.number(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn names_and_indices_make_streams_of_their_own() {
        let stream = Seeded::new(7, "store");
        let firsts: std::collections::BTreeSet<u64> =
            (0..1_000).map(|i| stream.at(i).number()).collect();
        assert_eq!(firsts.len(), 1_000);
        assert_ne!(Seeded::new(7, "a").number(), Seeded::new(7, "b").number());
    }
}
