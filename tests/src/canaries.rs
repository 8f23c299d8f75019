//! Words and numbers that stand for what a private call holds. In: how many. Out: canaries, each of them different, and a
//! look that finds any of them in a text. They share letters that no word, digest or id has, so that a piece of one, or one
//! that nobody thought of, is found as well.

/// No English word has it, and no hexadecimal number.
const LETTERS: &str = "qzx";
/// The first digits of every number; a timestamp has other ones.
const DIGITS: &str = "4915550199";
/// Shown around what was found.
const CONTEXT_CHARS: usize = 120;

/// Such words; `kind` keeps apart those of one place from those of another.
pub fn words(kind: char, count: usize) -> Vec<String> {
    let spelled = |n| {
        let (before, after) = (letters(2 * n), letters(2 * n + 1));
        format!("{before}{LETTERS}{kind}{after}")
    };
    (0..count).map(spelled).collect()
}

/// A telephone number.
pub fn number(n: usize) -> String {
    format!("+{DIGITS}{n:02}")
}

/// What stands around the first canary in a text, written out or as a list of its bytes.
pub fn found_in(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let marks = [LETTERS, DIGITS].map(|part| [part.to_owned(), listed(part)]);
    let at = marks.iter().flatten().find_map(|mark| lower.find(mark))?;
    let before = lower[..at].chars().rev().take(CONTEXT_CHARS);
    let before: String = before.collect::<Vec<_>>().into_iter().rev().collect();
    let after: String = lower[at..].chars().take(CONTEXT_CHARS).collect();
    Some(format!("…{before}{after}…"))
}

/// As bytes are shown by `Debug`.
pub fn listed(text: &str) -> String {
    let bytes = text.bytes().map(|byte| byte.to_string());
    bytes.collect::<Vec<_>>().join(", ")
}

/// Four letters as if by chance, for what repeats itself is taken for a loop of the recogniser and left out. The first
/// numbers have each their own.
fn letters(n: usize) -> String {
    const CONSONANTS: &[u8; 16] = b"bcdfghjklmnprstv";
    // An odd factor permutes the 65,536 numbers that four letters can say.
    let scattered = n * 40_503 + 12_345;
    let letter = |digit: usize| char::from(CONSONANTS[(scattered >> (4 * digit)) % 16]);
    (0..4).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn canaries_differ_and_each_is_found_in_whatever_stands_around_it() {
        let all = words('s', 1_000);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 1_000);
        for canary in all.into_iter().chain([number(7)]) {
            let text = format!("ünd {} dann", canary.to_uppercase());
            assert!(
                found_in(&text).is_some_and(|found| found.contains("dann")),
                "{text}"
            );
        }
        let message = format!("{:?}", words('k', 1)[0].as_bytes());
        assert!(found_in(&message).is_some(), "{message}");
        assert_eq!(
            found_in("2026-11-25T10:00:00Z 01930000-0000-7000 quiz"),
            None
        );
    }
}
