use super::{Language, read};

/// All the numbers of a text, one behind the other, with a space where a word is none.
fn digits(text: &str, languages: &[Language]) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut out = String::new();
    let (mut at, mut goes_on) = (0, false);
    while at < words.len() {
        match read(&words[at..], languages, goes_on) {
            Some((digits, used)) => {
                out.push_str(&digits);
                at += used;
                goes_on = true;
            }
            None => {
                out.push(' ');
                at += 1;
                goes_on = false;
            }
        }
    }
    out
}

#[test]
fn numbers_are_read_in_each_language() {
    use Language::{De, En, Es, Fr};
    let table: &[(Language, &str, &str)] = &[
        (En, "four oh seven double three triple two", "40733222"),
        (En, "forty two seventeen", "4217"),
        (En, "four thousand two hundred", "4200"),
        (En, "two thousand and twenty six", "2026"),
        (En, "nineteen hundred and five", "1905"),
        (En, "one hundred and eleven", "111"),
        (En, "4111 double 1 4 thousand", "4111114000"),
        (En, "three to five", "3 5"),
        (En, "oh well", "  "),
        (En, "thank you for calling", "    "),
        (En, "nine ninety nine", "999"),
        (Es, "cuarenta y dos diecisiete", "4217"),
        (Es, "cuatro mil doscientos", "4200"),
        (Es, "ciento veintiuno uno un dos", "121112"),
        (Es, "una tarjeta", "  "),
        (Es, "treinta y un", "31"),
        (Es, "mil novecientos ochenta y cuatro", "1984"),
        (De, "vierundzwanzig null eins zwo", "24012"),
        (De, "zweihundertvierunddreissig", "234"),
        (De, "vier und zwanzig", "24"),
        (De, "achttausendfunfhundert", "8500"),
        (De, "tausendzweihundert elf", "1211"),
        (De, "dreimal die null doppel vier", "00044"),
        (De, "ein konto", "  "),
        (De, "einundneunzig", "91"),
        (Fr, "quatre vingt dix sept", "97"),
        (Fr, "soixante et onze", "71"),
        (Fr, "vingt et un", "21"),
        (Fr, "quatre vingts", "80"),
        (Fr, "zero six quarante deux dix sept", "064217"),
        (Fr, "deux cent trente mille", "230000"),
        (Fr, "soixante douze quatre vingt un", "7281"),
        (Fr, "un peu", "  "),
        (Fr, "nonante neuf", "99"),
    ];
    for (language, text, expected) in table {
        assert_eq!(
            digits(text, &[*language]),
            *expected,
            "{language:?}: {text}"
        );
    }
}

#[test]
fn without_a_known_language_any_of_the_four_is_read() {
    for (text, expected) in [("siete seven sieben sept", "7777"), ("null oh cero", "000")] {
        assert_eq!(digits(text, &Language::ALL), expected, "{text}");
    }
}

#[test]
fn every_word_of_a_table_reads_as_a_number_where_it_may_stand() {
    for language in Language::ALL {
        for (word, lexeme) in language.words() {
            let text = [*word, *word];
            let joins = matches!(lexeme, super::Lexeme::And | super::Lexeme::Repeat(_));
            assert!(
                joins || read(&text, &[language], true).is_some(),
                "{language:?}: {word}"
            );
        }
    }
}
