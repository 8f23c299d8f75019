//! How words are put side by side. In: a language, and words as a transcript has them, without blanks around them. Out: their
//! text. Nothing fails. Source of the list: OpenAI's `tokenizer.py`, `split_to_word_tokens`.

use crate::transcript::Word;

/// Whether a language's writing puts blanks between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writing {
    #[default]
    Spaced,
    /// Each token of the model's is a word, and a run of Latin letters and digits is one.
    Unspaced,
}

impl Writing {
    /// Of an ISO 639 code. Khmer and Tibetan have blanks here: between phrases, which are their words then.
    pub fn of(language: &str) -> Self {
        match language {
            "zh" | "yue" | "ja" | "th" | "lo" | "my" => Self::Unspaced,
            _ => Self::Spaced,
        }
    }

    pub fn join<T: AsRef<str>>(self, words: impl IntoIterator<Item = T>) -> String {
        let mut words = words.into_iter();
        let mut text = words
            .next()
            .map_or_else(String::new, |first| first.as_ref().to_owned());
        for word in words {
            self.append(&mut text, word.as_ref());
        }
        text
    }

    /// The text of a transcript's words.
    pub fn text_of(self, words: &[Word]) -> String {
        self.join(words.iter().map(|word| &word.text))
    }

    /// Puts a word behind others.
    pub fn append(self, text: &mut String, word: &str) {
        if self.has_blank_between(text, word) {
            text.push(' ');
        }
        text.push_str(word);
    }

    /// Whether a blank stands between two words. Latin ones would be one word if the model had written none there.
    pub fn has_blank_between(self, left: &str, right: &str) -> bool {
        match self {
            Self::Spaced => true,
            Self::Unspaced => ends_latin(left) && is_spoken(right.chars()),
        }
    }

    /// The words of a text of which only the text was kept, as far as it tells them.
    pub fn pieces(self, text: &str) -> Vec<&str> {
        let parts = text.split_whitespace();
        match self {
            Self::Spaced => parts.collect(),
            Self::Unspaced => parts.flat_map(runs).collect(),
        }
    }
}

/// Whether a text ends in a word of Latin letters or digits, with what signs belong to it.
pub fn ends_latin(text: &str) -> bool {
    is_spoken(text.chars().rev())
}

/// A letter of a Latin alphabet, a digit, or a sign that stands beside them.
fn is_latin(c: char) -> bool {
    c.is_ascii_graphic() || LATIN_LETTERS.contains(&c)
}

/// From `À` to the end of the phonetic letters: those of two bytes in UTF-8, of which the first is 0xc3 to 0xc9.
const LATIN_LETTERS: std::ops::RangeInclusive<char> = '\u{c0}'..='\u{27f}';

/// Whether a letter or digit is among the Latin characters that come first.
fn is_spoken(chars: impl Iterator<Item = char>) -> bool {
    chars
        .take_while(|c| is_latin(*c))
        .any(char::is_alphanumeric)
}

/// Runs of Latin characters, and of others.
fn runs(part: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let pairs = part.chars().zip(part.char_indices().skip(1));
    for (before, (at, after)) in pairs {
        if is_latin(before) != is_latin(after) {
            runs.push(&part[start..at]);
            start = at;
        }
    }
    runs.push(&part[start..]);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_with_blanks_keep_them_between_all_words() {
        for language in ["en", "ko", "km", "bo", "und", ""] {
            let writing = Writing::of(language);
            assert_eq!(writing.join(["你", "好", "ok"]), "你 好 ok", "{language}");
            assert_eq!(writing.pieces("你好 3 ok吗"), ["你好", "3", "ok吗"]);
        }
    }

    #[test]
    fn languages_without_blanks_have_them_between_latin_words_alone() {
        let table: [(&[&str], &str); 11] = [
            (&[], ""),
            (&["你", "好", "吗?"], "你好吗?"),
            (&["あと", "3", "日", "です。"], "あと3日です。"),
            (&["他", "用", "Google", "Maps", "找"], "他用Google Maps找"),
            (&["你好,", "OK"], "你好,OK"),
            (&["OK。", "Yes"], "OK。Yes"),
            (&["Hello,", "world."], "Hello, world."),
            (&["3.5", "$20", "吧"], "3.5 $20吧"),
            (&["Café", "été", "です"], "Café étéです"),
            (
                &["番号は", "[card_number]", "です"],
                "番号は[card_number]です",
            ),
            (&["สวัสดี", "ครับ"], "สวัสดีครับ"),
        ];
        for language in ["zh", "yue", "ja", "th", "lo", "my"] {
            for (words, text) in table {
                assert_eq!(Writing::of(language).join(words), text, "{language}");
            }
        }
    }

    #[test]
    fn numbers_and_latin_words_are_found_again_in_a_text() {
        let table: [(&str, &[&str]); 4] = [
            ("", &[]),
            (
                "番号は4111 1111です。",
                &["番号は", "4111", "1111", "です。"],
            ),
            ("用Google Maps找", &["用", "Google", "Maps", "找"]),
            ("番 号 は 41", &["番", "号", "は", "41"]),
        ];
        for (text, pieces) in table {
            assert_eq!(Writing::Unspaced.pieces(text), pieces, "{text}");
        }
    }
}
