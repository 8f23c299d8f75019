//! Words as rules compare them. In: a word or a phrase as it is written. Out: its tokens, folded to one case. A written
//! word gives one token, none (`—`), or several (`follow-up`); phrase and transcript go through the same function, so
//! that a phrase can only match whole tokens.

pub(crate) mod forms;
pub(crate) mod number;

/// Cuts at white space, dashes, slashes and ellipses; strips punctuation at the edges; folds case and apostrophes.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(is_separator)
        .flat_map(|part| part.split(".."))
        .map(|part| part.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|part| !part.is_empty())
        .map(fold)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '…')
}

/// Upper case and then lower case, letter by letter: close to Unicode's full case folding without its tables (`ß`
/// becomes `ss`, a final `ς` becomes `σ`).
fn fold(part: &str) -> String {
    part.chars()
        .map(|c| {
            if matches!(c, '\u{2018}' | '\u{2019}' | '\u{02BC}' | '`' | '´') {
                '\''
            } else {
                c
            }
        })
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn written_words_become_tokens() {
        let table: [(&str, &[&str]); 16] = [
            ("Hello,", &["hello"]),
            ("\"Refund?!\"", &["refund"]),
            ("don't", &["don't"]),
            ("DON\u{2019}T", &["don't"]),
            ("'quoted'", &["quoted"]),
            ("follow-up", &["follow", "up"]),
            ("wait—what", &["wait", "what"]),
            ("24/7", &["24", "7"]),
            ("so...yes", &["so", "yes"]),
            ("$1,000.50.", &["1,000.50"]),
            ("AT&T", &["at&t"]),
            ("Straße", &["strasse"]),
            ("ΟΔΟΣ οδος", &["οδοσ", "οδοσ"]),
            ("«Élan»", &["élan"]),
            ("— ♪ ...", &[]),
            ("credit  card", &["credit", "card"]),
        ];
        for (text, expected) in table {
            assert_eq!(tokens(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
