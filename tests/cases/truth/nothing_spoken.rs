//! Where nobody speaks, nothing is written. In: generated sound of a telephone, a few minutes of it, or an hour where
//! `EARWITNESS_TEST_UNSPOKEN_SECONDS` says that each of the 60 recordings lasts 60 s.

use earwitness_tests::listen::{Engine, hear, slots};
use earwitness_tests::nonspeech::{KINDS, recordings};
use job_schema::engine::CallSpec;

/// The same in every run; `nothing-spoken` tries others.
const SEED: u64 = 20;
/// Of each recording: five minutes in all, enough for a spell of each kind.
const SECONDS: u32 = 5;

#[test]
fn no_word_is_written_where_nobody_speaks() {
    writes_nothing("no_word_is_written_where_nobody_speaks", Engine::Native);
}

#[test]
fn no_word_is_written_by_whisper_cpp_either() {
    writes_nothing(
        "no_word_is_written_by_whisper_cpp_either",
        Engine::WhisperCpp,
    );
}

fn writes_nothing(test: &str, engine: Engine) {
    let Some(model) = super::model(test) else {
        return;
    };
    let seconds = std::env::var("EARWITNESS_TEST_UNSPOKEN_SECONDS");
    let seconds = seconds.map_or(SECONDS, |text| text.parse().unwrap());
    let slots = slots(engine, &model, 2).unwrap();
    let mut invented = Vec::new();
    let mut heard_count = 0;
    for recording in recordings(SEED, seconds).unwrap() {
        let recording = recording.unwrap();
        let heard = hear(&recording.bytes, &CallSpec::default(), &slots).unwrap();
        heard_count += heard.spans.len();
        if heard.words_count() > 0 {
            invented.push((recording.name, heard.words_count()));
        }
    }
    assert!(invented.is_empty(), "words by recording: {invented:?}");
    // Else voice activity would have kept all of it from the model, and this test would say nothing of the judgement.
    assert!(
        heard_count >= KINDS.len(),
        "the model was asked {heard_count} times"
    );
}
