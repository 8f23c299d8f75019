//! How alike two runs of letters sound. In: folded words without blanks. Out: 0 to 1, where 1 sounds the same. Cannot fail.
//! An edit distance over sounds: vowels are cheap to exchange and to lose, and so are consonants that telephones and models
//! confuse. It knows English spelling best; letters that it does not know count as they stand.

/// Letters that stand for one sound, in the order in which they are looked for.
const DIGRAPHS: [(&str, char); 10] = [
    ("sch", 'S'),
    ("tch", 'C'),
    ("sh", 'S'),
    ("ch", 'C'),
    ("ph", 'f'),
    ("th", '0'),
    ("ck", 'k'),
    ("qu", 'k'),
    ("wh", 'w'),
    ("gh", 'g'),
];
const CONFUSED_COST: f32 = 0.4;
const VOWEL_COST: f32 = 0.25;
const LOST_VOWEL_COST: f32 = 0.4;
const LOST_CONSONANT_COST: f32 = 0.8;

/// A text as it sounds, for comparing many times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sounds(Vec<char>);

impl Sounds {
    /// `folded` has lower-case letters and digits only.
    pub(crate) fn of(folded: &str) -> Self {
        let mut sounds: Vec<char> = Vec::with_capacity(folded.len());
        let mut rest = folded;
        while let Some(letter) = rest.chars().next() {
            let digraph = DIGRAPHS
                .iter()
                .find(|(letters, _)| rest.starts_with(letters));
            let (length, sound) = match digraph {
                Some((letters, sound)) => (letters.len(), *sound),
                None => (letter.len_utf8(), letter),
            };
            rest = &rest[length..];
            let sound = match sound {
                'c' if rest.starts_with(['e', 'i', 'y']) => 's',
                'c' | 'q' => 'k',
                sound => sound,
            };
            if sound == 'x' {
                sounds.extend(['k', 's']);
            } else if sounds.last() != Some(&sound) {
                sounds.push(sound);
            }
        }
        Self(sounds)
    }

    /// 1 for the same sounds, 0 for nothing in common.
    pub(crate) fn likeness(&self, other: &Self) -> f32 {
        let longest = self.0.len().max(other.0.len());
        if longest == 0 {
            return 0.0;
        }
        (1.0 - self.distance(other) / longest as f32).max(0.0)
    }

    fn distance(&self, other: &Self) -> f32 {
        let mut above: Vec<f32> = vec![0.0];
        for sound in &other.0 {
            above.push(above[above.len() - 1] + lost(*sound));
        }
        for own in &self.0 {
            let mut row = vec![above[0] + lost(*own)];
            for (column, theirs) in other.0.iter().enumerate() {
                let exchanged = above[column] + exchanged(*own, *theirs);
                let left_out = above[column + 1] + lost(*own);
                let put_in = row[column] + lost(*theirs);
                row.push(exchanged.min(left_out).min(put_in));
            }
            above = row;
        }
        above[other.0.len()]
    }
}

fn is_vowel(sound: char) -> bool {
    matches!(sound, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

fn exchanged(a: char, b: char) -> f32 {
    if a == b {
        0.0
    } else if is_vowel(a) && is_vowel(b) {
        VOWEL_COST
    } else if are_confused(a.min(b), a.max(b)) {
        CONFUSED_COST
    } else {
        1.0
    }
}

/// Whether the two, in their order, are heard for each other. Capitals and 0 are the sounds of [`DIGRAPHS`].
fn are_confused(a: char, b: char) -> bool {
    match a {
        '0' => matches!(b, 'd' | 'f' | 's' | 't'),
        'C' => matches!(b, 'S' | 'j' | 'k' | 't'),
        'S' => matches!(b, 's' | 'z'),
        'b' => matches!(b, 'p' | 'v'),
        'd' => matches!(b, 'j' | 't'),
        'f' => b == 'v',
        'g' => matches!(b, 'j' | 'k'),
        'j' => matches!(b, 'y' | 'z'),
        'l' => b == 'r',
        'm' => b == 'n',
        's' => b == 'z',
        'u' | 'v' => b == 'w',
        _ => false,
    }
}

fn lost(sound: char) -> f32 {
    if is_vowel(sound) || sound == 'h' {
        LOST_VOWEL_COST
    } else {
        LOST_CONSONANT_COST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        Sounds::of(a).likeness(&Sounds::of(b))
    }

    #[test]
    fn what_sounds_alike_is_near_and_the_rest_is_far() {
        for (a, b) in [
            ("saoirse", "searsha"),
            ("northgate", "northgait"),
            ("smith", "smyth"),
            ("philip", "fillup"),
            ("boucicault", "boosiecolt"),
        ] {
            assert!(likeness(a, b) > 0.7, "{a} {b}: {}", likeness(a, b));
        }
        for (a, b) in [
            ("northgate", "morning"),
            ("saoirse", "plumber"),
            ("smith", "boiler"),
            ("acme", "tuesday"),
        ] {
            assert!(likeness(a, b) < 0.5, "{a} {b}: {}", likeness(a, b));
        }
    }

    #[test]
    fn likeness_is_symmetric_whole_for_the_same_and_nothing_for_nothing() {
        let words = ["", "acme", "größe", "москва", "42", "xylophone"];
        for a in words {
            for b in words {
                assert_eq!(
                    likeness(a, b).to_bits(),
                    likeness(b, a).to_bits(),
                    "{a} {b}"
                );
                assert!((0.0..=1.0).contains(&likeness(a, b)), "{a} {b}");
            }
            assert!(a.is_empty() || likeness(a, a) >= 1.0, "{a}");
        }
    }
}
