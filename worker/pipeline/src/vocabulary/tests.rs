use job_schema::engine::RoleTerm;

use super::*;

fn terms(texts: &[&str]) -> Terms {
    let spec = CallSpec {
        vocabulary: texts.iter().map(|text| (*text).to_owned()).collect(),
        ..CallSpec::default()
    };
    Terms::of_channel(&spec, 0)
}

/// Each word is said in its own tenth of a second.
fn words(text: &str) -> Vec<RecognizedWord> {
    let words = (0..).zip(text.split_whitespace());
    words
        .map(|(i, text)| RecognizedWord {
            text: text.into(),
            start_ms: i * 100,
            end_ms: i * 100 + 90,
            probability: 0.9,
        })
        .collect()
}

fn texts<'a>(terms: &'a Terms, numbers: &[usize]) -> Vec<&'a str> {
    let texts = numbers.iter().map(|&n| terms.listed[n].text.as_str());
    texts.collect()
}

#[test]
fn a_channel_is_listened_to_for_its_own_role_s_terms() {
    let of = |role, term: &str| RoleTerm {
        role,
        term: term.into(),
    };
    let spec = CallSpec {
        channel_roles: vec![Role::Agent, Role::Customer, Role::Mixed],
        vocabulary: vec!["Northgate".into(), " north gate".into(), "AB".into()],
        role_vocabulary: vec![of(Role::Agent, "Heatwell"), of(Role::Customer, "Saoirse")],
        ..CallSpec::default()
    };
    for (index, wanted) in [
        (0, vec!["Northgate", "Heatwell"]),
        (1, vec!["Northgate", "Saoirse"]),
        (2, vec!["Northgate", "Heatwell", "Saoirse"]),
        (3, vec!["Northgate", "Heatwell", "Saoirse"]),
    ] {
        let record = Terms::of_channel(&spec, index).record().unwrap();
        assert_eq!(record.terms, wanted, "channel {index}");
        assert_eq!(record.left_out, ["AB"], "channel {index}");
    }
    assert_eq!(Terms::default().record(), None);
}

#[test]
fn terms_beyond_the_limit_are_left_out_by_name() {
    let many: Vec<String> = (0..MAX_TERMS + 2).map(|n| format!("term{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let record = terms(&many).record().unwrap();
    assert_eq!(record.terms.len(), MAX_TERMS);
    assert_eq!(record.left_out, ["term200", "term201"]);
}

#[test]
fn a_pattern_is_left_out_by_name_and_never_fed() {
    let listed = terms(&[
        "ship*",
        "Acme*Post",
        "pl?n",
        "Where Next?",
        "*gate",
        "Northgate",
    ]);
    let record = listed.record().unwrap();
    assert_eq!(record.terms, ["Where Next?", "Northgate"]);
    assert_eq!(record.left_out, ["ship*", "Acme*Post", "pl?n", "*gate"]);
    let heard = listed.resembled(
        &words("the chip at north gait, plan where necks"),
        Writing::Spaced,
    );
    let prompt = listed.prompt(&heard.fed);
    assert!(!heard.fed.is_empty() && !prompt.contains('*'), "{prompt}");
}

#[test]
fn only_what_something_sounds_like_and_is_not_is_asked_about() {
    let terms = terms(&["Northgate", "Saoirse Ronan", "Thermo Direct"]);
    for (said, wanted) in [
        ("good morning to you", vec![]),
        ("thank you for calling Northgate.", vec![]),
        ("thank you for calling north gate.", vec!["Northgate"]),
        (
            "calling Northgait, this is Searsha Roman",
            vec!["Northgate", "Saoirse Ronan"],
        ),
        ("the North Gate's bill", vec!["Northgate"]),
        ("", vec![]),
    ] {
        let resembled = terms.resembled(&words(said), Writing::Spaced);
        assert_eq!(texts(&terms, &resembled.fed), wanted, "{said}");
        assert!(resembled.crowded_out.is_empty(), "{said}");
    }
}

#[test]
fn a_prompt_keeps_to_its_budget_and_what_finds_no_room_is_told() {
    let alike: Vec<String> = ('a'..='t').map(|c| format!("Northgate{c}")).collect();
    let alike: Vec<&str> = alike.iter().map(String::as_str).collect();
    let terms = terms(&alike);
    let resembled = terms.resembled(&words("Northgate"), Writing::Spaced);
    let prompt = terms.prompt(&resembled.fed);
    assert!(prompt.len() <= MAX_PROMPT_BYTES, "{prompt}");
    assert_eq!(resembled.fed.len() + resembled.crowded_out.len(), 20);
    let told = terms.told(&resembled, &[resembled.fed[0], resembled.fed[0]]);
    assert_eq!(
        told.iter().filter(|one| one.fed).count(),
        resembled.fed.len()
    );
    assert_eq!(told[0].written_count, 2);

    let long = "Northgate ".repeat(12);
    let one = self::terms(&[&long]);
    let only = one.resembled(&words(&"North gate ".repeat(12)), Writing::Spaced);
    assert_eq!(only.fed, [0], "one term is fed however long");
}

fn placed(listed: &[&str], plain: &str, prompted: &str, writing: Writing) -> (String, usize) {
    let terms = terms(listed);
    let plain = words(plain);
    let resembled = terms.resembled(&plain, writing);
    let (placed, written) = place(&terms, &resembled, &plain, &words(prompted), writing);
    let ordered = placed
        .windows(2)
        .all(|pair| pair[0].end_ms <= pair[1].start_ms);
    assert!(ordered, "{placed:?}");
    assert!(placed.iter().all(|word| word.start_ms < word.end_ms));
    let last_ms = |words: &[RecognizedWord]| words.last().map(|word| word.end_ms);
    assert_eq!(last_ms(&placed), last_ms(&plain));
    let texts: Vec<&str> = placed.iter().map(|word| word.text.as_str()).collect();
    (texts.join(" "), written.len())
}

#[test]
fn a_term_that_the_model_is_not_sure_of_is_not_written() {
    let terms = terms(&["Saoirse"]);
    let plain = words("this is Searsha");
    let resembled = terms.resembled(&plain, Writing::Spaced);
    let mut prompted = words("this is Saoirse");
    for (probability, is_written) in [(0.74, false), (0.76, true)] {
        prompted[2].probability = probability;
        let (_, written) = place(&terms, &resembled, &plain, &prompted, Writing::Spaced);
        assert_eq!(!written.is_empty(), is_written, "{probability}");
    }
}

/// A term, a span as first heard, as heard with the term in the prompt, and what is written.
#[rustfmt::skip] // a table reads as one
const PLACED: [(&str, &str, &str, &str); 10] = [
    // One word, several for one, one for several; the punctuation that stood there stays.
    ("Saoirse", "this is Searsha, hello", "This is Saoirse hello.", "this is Saoirse, hello"),
    ("Northgate", "call north gate now", "call Northgate now", "call Northgate now"),
    ("Boiler Care", "the boilercar plan", "the Boiler Care plan", "the Boiler Care plan"),
    ("Saoirse", "Searsha's phone", "Saoirse's phone", "Saoirse's phone"),
    ("Acme Corp", "acne corp and acne corp", "Acme Corp and Acme Corp", "Acme Corp and Acme Corp"),
    // The model did not write it.
    ("Saoirse", "this is Searsha", "this is Searsha", "this is Searsha"),
    ("Saoirse", "Searsha said no", "", "Searsha said no"),
    // Written where nothing like it was heard: a prompt recited, within the text or in its place.
    ("Saoirse", "Searsha said no", "Searsha said Saoirse no", "Searsha said no"),
    ("Saoirse", "Searsha said no", "Saoirse. Saoirse. Saoirse.", "Saoirse said no"),
    // Other words that the prompt changed are not taken over.
    ("Saoirse", "it is Searsha speaking today", "it was Saoirse speaking to day", "it is Saoirse speaking today"),
];

#[test]
fn a_term_takes_the_place_of_what_sounds_like_it_and_nothing_else_changes() {
    for (term, plain, prompted, wanted) in PLACED {
        let (text, written_count) = placed(&[term], plain, prompted, Writing::Spaced);
        assert_eq!(text, wanted, "{plain} / {prompted}");
        assert_eq!(written_count > 0, text != plain, "{plain}");
    }
}

#[test]
fn where_tokens_count_as_words_a_term_is_compared_by_its_letters() {
    let terms = terms(&["北京大学", "アマゾンウェブ", "Northgate"]);
    for (said, wanted) in [
        ("去 北京 大学 吧", vec![]),
        ("去 北 京 大 学 吧", vec![]),
        ("去 北京 大 学生 吧", vec![]),
        ("去北京 大学 吧", vec![]),
        ("去 北平 大学 吧", vec!["北京大学"]),
        ("去 北京 大学, 北平 大学 吧", vec!["北京大学"]),
        ("それは アマ ゾン ウェブ です", vec![]),
        ("それは ア マ ゾ ン ウ ェ フ です", vec!["アマゾンウェブ"]),
        ("是 North gate 吗", vec![]),
        ("是 Northgait 吗", vec!["Northgate"]),
        ("今天 天气 很 好", vec![]),
    ] {
        let resembled = terms.resembled(&words(said), Writing::Unspaced);
        assert_eq!(texts(&terms, &resembled.fed), wanted, "{said}");
    }
}

#[test]
fn where_tokens_count_as_words_a_term_of_several_is_placed() {
    for (term, plain, prompted, wanted) in [
        (
            "北京大学",
            "去 北平 大学, 吧",
            "去 北京 大学 吧",
            "去 北京 大学, 吧",
        ),
        (
            "北京大学",
            "去 北平大 学 吧",
            "去 北京 大 学 吧",
            "去 北京 大 学 吧",
        ),
        (
            "北京大学",
            "去 北平 大学 吧",
            "去 北平 大学 吧",
            "去 北平 大学 吧",
        ),
        (
            "Northgate",
            "是 Northgait 吗",
            "是 Northgate 吗",
            "是 Northgate 吗",
        ),
    ] {
        let (text, written_count) = placed(&[term], plain, prompted, Writing::Unspaced);
        assert_eq!(text, wanted, "{plain} / {prompted}");
        assert_eq!(written_count > 0, text != plain, "{plain}");
    }
}
