//! The same build, model and recording give the same transcript, byte for byte: in any order, after any other recording,
//! beside any other, on one slot and on two. In: the sample calls and fifty cuts of one of them.

use std::path::Path;

use earwitness_tests::listen::{Engine, hear, slots};
use earwitness_tests::recordings::{sample_path, samples, wav};
use earwitness_tests::seed::Seeded;
use job_schema::engine::CallSpec;
use pipeline::SlotPool;

const CUTS_COUNT: u64 = 50;
const SAMPLES_PER_S: usize = 8_000;
/// The last of the recordings is the clip that has all others before it.
const CALLS: [&str; 3] = ["voicemail.wav", "refund-dispute.opus", "boiler-booking.mp3"];

#[test]
fn the_native_recogniser_gives_the_same_transcript_in_any_order_and_company() {
    let test = "the_native_recogniser_gives_the_same_transcript_in_any_order_and_company";
    if let Some(model) = super::model(test) {
        does_not_depend_on_others(Engine::Native, &model);
    }
}

#[test]
fn whisper_cpp_gives_the_same_transcript_in_any_order_and_company() {
    let test = "whisper_cpp_gives_the_same_transcript_in_any_order_and_company";
    if let Some(model) = super::model(test) {
        does_not_depend_on_others(Engine::WhisperCpp, &model);
    }
}

fn does_not_depend_on_others(engine: Engine, model: &Path) {
    let recordings = recordings();
    let clip = recordings.last().unwrap();
    let alone = transcript(clip, &slots(engine, model, 1).unwrap());

    let one_slot = slots(engine, model, 1).unwrap();
    let in_order: Vec<Vec<u8>> = recordings
        .iter()
        .map(|r| transcript(r, &one_slot))
        .collect();
    assert_eq!(
        in_order.last().unwrap(),
        &alone,
        "after {} others",
        recordings.len() - 1
    );
    let spoken = in_order.iter().filter(|json| has_words(json)).count();
    assert!(
        spoken as u64 > CUTS_COUNT / 2,
        "only {spoken} of them have words"
    );

    // Backwards, on two slots, and two at a time: each has another one before it and another beside it.
    let two_slots = slots(engine, model, 2).unwrap();
    let half = recordings.len() / 2;
    let backwards = |part: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let part = part.iter().rev();
        part.map(|recording| transcript(recording, &two_slots))
            .collect()
    };
    let (mut first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| backwards(&recordings[..half]));
        let second = backwards(&recordings[half..]);
        (first.join().unwrap(), second)
    });
    first.reverse();
    first.extend(second.into_iter().rev());
    let differ = in_order.iter().zip(&first).enumerate();
    let differ: Vec<usize> = differ
        .filter(|(_, (a, b))| a != b)
        .map(|(n, _)| n)
        .collect();
    assert!(differ.is_empty(), "these are not the same: {differ:?}");
}

/// Fifty cuts of a sample call, each of another place, length and loudness, then whole sample calls.
fn recordings() -> Vec<Vec<u8>> {
    let call = samples().unwrap();
    let cut = |number| {
        let mut chance = Seeded::new(5, "cuts").at(number);
        let mut upto = |end: usize| usize::try_from(chance.below(end as u64)).unwrap();
        let length = SAMPLES_PER_S + upto(2 * SAMPLES_PER_S);
        let from = upto(call.len() - length);
        let gain = 1 + i16::try_from(upto(3)).unwrap();
        let cut = call[from..from + length]
            .iter()
            .map(|s| s.saturating_mul(gain) / 2);
        wav::written(&cut.collect::<Vec<i16>>(), wav::Coding::S16).unwrap()
    };
    let mut recordings: Vec<Vec<u8>> = (0..CUTS_COUNT).map(cut).collect();
    recordings.extend(CALLS.map(|name| std::fs::read(sample_path(name)).unwrap()));
    recordings
}

fn transcript(recording: &[u8], slots: &SlotPool) -> Vec<u8> {
    let heard = hear(recording, &CallSpec::default(), slots).unwrap();
    heard.transcript(recording).unwrap()
}

fn has_words(json: &[u8]) -> bool {
    let transcript: serde_json::Value = serde_json::from_slice(json).unwrap();
    let turns = transcript["turns"].as_array().unwrap();
    !turns.is_empty()
}
