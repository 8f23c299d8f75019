use super::*;

fn model(languages: &[&str]) -> ModelTraits {
    ModelTraits {
        languages: languages.iter().map(|l| (*l).to_owned()).collect(),
        confidence: None,
    }
}

fn guess(code: &str, probability: f32) -> LanguageGuess {
    LanguageGuess {
        code: code.into(),
        probability,
    }
}

#[test]
fn the_job_decides_before_the_model_does() {
    let one = Languages::new(None, &model(&["en"]), 2).unwrap();
    assert_eq!(one.of(1).unwrap().source, LanguageSource::Model);
    let named = Languages::new(Some("es"), &model(&["en", "es"]), 2).unwrap();
    assert_eq!(
        (named.code(0), named.of(0).unwrap().source),
        ("es", LanguageSource::Job)
    );
    let open = Languages::new(None, &model(&["en", "es"]), 2).unwrap();
    assert_eq!((open.code(0), open.of(0)), ("en", None));
}

#[test]
fn a_language_that_the_model_does_not_know_is_refused() {
    let failure = Languages::new(Some("es"), &model(&["en"]), 1).unwrap_err();
    assert_eq!(failure.code, ErrorCode::BadJob);
    assert_eq!(failure.pointer.as_deref(), Some("/options/language"));
}

#[test]
fn votes_are_weighed_by_the_speech_they_were_heard_in() {
    let short = (500, vec![guess("cy", 0.9), guess("en", 0.1)]);
    let long = (8_000, vec![guess("en", 0.7), guess("cy", 0.3)]);
    let language = count(&[short, long], "xx");
    assert_eq!((language.code.as_str(), language.heard_ms), ("en", 8_500));
    assert!(
        (language.confidence - 0.665).abs() < 0.01,
        "{}",
        language.confidence
    );
    assert_eq!(count(&[(100, vec![])], "xx").code, "xx");
}
