use proptest::prelude::*;

use super::*;

/// Tokens that end every 100 ms, from the first.
fn tokens(texts: &[&str]) -> Vec<Token> {
    let ends = (1..).map(|i| i * 100);
    let from = |(text, end_ms): (&&str, u64)| Token {
        bytes: text.as_bytes().to_vec(),
        probability: 0.5,
        end_ms: Some(end_ms),
    };
    texts.iter().zip(ends).map(from).collect()
}

fn words(tokens: &[Token], writing: Writing) -> Vec<(String, u64, u64)> {
    from_tokens(tokens, 30_000, writing)
        .into_iter()
        .map(|w| (w.text, w.start_ms, w.end_ms))
        .collect()
}

fn word(text: &str, start_ms: u64, end_ms: u64) -> (String, u64, u64) {
    (text.to_owned(), start_ms, end_ms)
}

#[test]
fn tokens_become_whole_words_with_their_punctuation() {
    let found = words(
        &tokens(&[" Hel", "lo", ",", " it", "'s", " $", "3", ".", "50", "."]),
        Writing::Spaced,
    );
    // The comma's time is a pause and belongs to nobody.
    let wanted = [
        word("Hello,", 0, 200),
        word("it's", 300, 500),
        word("$3.50.", 500, 900),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn punctuation_that_stands_alone_joins_a_neighbour_or_vanishes() {
    let text = |texts: &[&str]| {
        let found = words(&tokens(texts), Writing::Spaced);
        found.into_iter().map(|w| w.0).collect::<Vec<_>>()
    };
    assert_eq!(text(&[" well", " -", " yes"]), ["well-", "yes"]);
    assert_eq!(text(&[" \"", "Yes", "\"", " he"]), ["\"Yes\"", "he"]);
    assert_eq!(text(&[" -", " yes"]), ["-yes"]);
    assert_eq!(text(&[" ...", " ♪", "!"]), Vec::<String>::new());
    assert_eq!(text(&[" Q", " &", " A"]), ["Q", "&", "A"]);
}

#[test]
fn characters_split_over_tokens_are_made_whole() {
    let mut split = tokens(&[" caf", "", "", " ok"]);
    split[1].bytes = vec![0xc3];
    split[2].bytes = vec![0xa9];
    assert_eq!(words(&split, Writing::Spaced)[0], word("café", 0, 300));

    // 世 and 界, the second in two tokens, in a language without blanks.
    let mut split = tokens(&["世", "", "", "。", "OK"]);
    split[1].bytes = vec![0xe7, 0x95];
    split[2].bytes = vec![0x8c];
    let wanted = [
        word("世", 0, 100),
        word("界。", 100, 300),
        word("OK", 400, 500),
    ];
    assert_eq!(words(&split, Writing::Unspaced), wanted);
}

/// Put side by side again, they are what the model wrote.
#[test]
fn in_writing_without_blanks_every_token_is_a_word_but_for_latin_ones() {
    let table: [(&[&str], &[&str], &str); 6] = [
        (&["你", "好", "吗", "?"], &["你", "好", "吗?"], "你好吗?"),
        (
            &["あと", "3", ".", "5", "日"],
            &["あと", "3.5", "日"],
            "あと3.5日",
        ),
        (
            &["他用", "Goo", "gle", " Maps", "找"],
            &["他用", "Google", "Maps", "找"],
            "他用Google Maps找",
        ),
        (
            &["好", ",", "OK", "!", " It", "'s", "好"],
            &["好,", "OK!", "It's", "好"],
            "好,OK! It's好",
        ),
        (&["Caf", "é", " été"], &["Café", "été"], "Café été"),
        (&["U", ".", "S", ".", "から"], &["U.S.", "から"], "U.S.から"),
    ];
    for (written, wanted, text) in table {
        let found = words(&tokens(written), Writing::Unspaced);
        let found: Vec<&str> = found.iter().map(|word| word.0.as_str()).collect();
        assert_eq!(found, wanted);
        assert_eq!(Writing::Unspaced.join(found), text);
    }
}

#[test]
fn bytes_that_are_no_text_are_dropped() {
    let mut broken = tokens(&[" ok", ""]);
    broken[1].bytes = vec![0xff];
    assert_eq!(words(&broken, Writing::Spaced)[0].0, "ok");
}

#[test]
fn a_pause_before_a_word_is_not_part_of_it() {
    let mut late = tokens(&[" one", " two", " three"]);
    late[0].end_ms = Some(2_000);
    late[1].end_ms = Some(2_300);
    late[2].end_ms = Some(2_600);
    let wanted = [
        word("one", 1_400, 2_000),
        word("two", 2_000, 2_300),
        word("three", 2_300, 2_600),
    ];
    assert_eq!(words(&late, Writing::Spaced), wanted);
}

#[test]
fn a_probability_is_the_mean_of_its_tokens() {
    let mut two = tokens(&[" Hel", "lo"]);
    two[1].probability = 1.0;
    let found = from_tokens(&two, 1_000, Writing::Spaced);
    assert!((found[0].probability - 0.75).abs() < 1e-6);
}

proptest! {
    #[test]
    fn times_run_forward_inside_the_span_whatever_the_alignment_says(
        list in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..5), prop::option::of(0_u64..40_000)), 0..100),
        span_ms in 100_u64..30_000,
        is_spaced in any::<bool>(),
    ) {
        let tokens: Vec<Token> = list
            .into_iter()
            .map(|(bytes, end_ms)| Token { bytes, probability: 0.5, end_ms })
            .collect();
        let writing = if is_spaced { Writing::Spaced } else { Writing::Unspaced };
        let mut earliest = 0;
        for word in from_tokens(&tokens, span_ms, writing) {
            prop_assert!(word.start_ms >= earliest, "{word:?} starts before {earliest}");
            prop_assert!(word.end_ms > word.start_ms, "{word:?}");
            prop_assert!(word.end_ms <= span_ms, "{word:?} in {span_ms}");
            prop_assert!(!word.text.is_empty());
            earliest = word.end_ms;
        }
    }
}
