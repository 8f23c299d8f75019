use proptest::prelude::*;

use super::{Atom, Atoms, How, Vocabulary, check_regex};

fn matches(atom: Atom, token: &str) -> Option<(How, u32)> {
    let mut atoms = Atoms::default();
    atoms.id(atom);
    let vocabulary = Vocabulary::new(atoms).unwrap();
    let readings = vocabulary.readings(token);
    readings
        .first()
        .map(|reading| (reading.how, reading.distance))
}

#[test]
fn each_kind_of_atom_matches_the_words_it_should() {
    let word = |text: &str| text.to_owned();
    let plain = Some((How::Plain, 0));
    let table = [
        (Atom::Exact(word("dont")), "don't", None),
        (Atom::Word(word("dont")), "don't", plain),
        (Atom::Forms(word("cancel")), "cancelled", plain),
        (Atom::Glob(word("ship*")), "shipment", plain),
        (Atom::Glob(word("ship*")), "ship", plain),
        (Atom::Glob(word("ship*")), "shop", None),
        (Atom::Glob(word("*ship")), "friendship", plain),
        (Atom::Glob(word("s?ip")), "skip", plain),
        (Atom::Glob(word("a.b*c")), "axbc", None),
        (Atom::Regex(word("[0-9]+")), "123", plain),
        (Atom::Regex(word("[0-9]+")), "a123", None),
        (Atom::Regex(word("a|b")), "ab", None),
        (Atom::Fuzzy(word("refund"), 1), "refund", plain),
        (
            Atom::Fuzzy(word("refund"), 1),
            "refnud",
            Some((How::Fuzzy, 1)),
        ),
        (Atom::Fuzzy(word("refund"), 1), "rfnd", None),
        (
            Atom::Fuzzy(word("refund"), 2),
            "rfnd",
            Some((How::Fuzzy, 2)),
        ),
        (
            Atom::Sounds(word("smith")),
            "smyth",
            Some((How::Phonetic, 1)),
        ),
        (
            Atom::Sounds(word("katherine")),
            "catherine",
            Some((How::Phonetic, 1)),
        ),
        (Atom::Sounds(word("smith")), "jones", None),
    ];
    for (atom, token, expected) in table {
        assert_eq!(matches(atom.clone(), token), expected, "{atom:?} {token}");
    }
}

#[test]
fn regexes_that_do_not_compile_are_refused_in_words() {
    for pattern in ["(", "(?=a)", r"\1", "a{1000}{1000}"] {
        assert!(!check_regex(pattern).unwrap_err().is_empty(), "{pattern}");
    }
    assert_eq!(check_regex(r"\d+"), Ok(()));
}

proptest! {
    #[test]
    fn fuzzy_words_are_those_within_their_distance(
        words in proptest::collection::vec("[abc]{3,7}", 1..6), edits in 1_usize..3, token in "[abc]{1,8}",
    ) {
        let mut atoms = Atoms::default();
        let ids: Vec<u32> = words.iter().map(|word| atoms.id(Atom::Fuzzy(word.clone(), edits))).collect();
        let found: Vec<u32> = Vocabulary::new(atoms).unwrap().readings(&token).iter().map(|r| r.atom).collect();
        let mut expected: Vec<u32> = words.iter().zip(ids)
            .filter(|(word, _)| strsim::osa_distance(word, &token) <= edits).map(|(_, id)| id).collect();
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(found, expected);
    }
}
