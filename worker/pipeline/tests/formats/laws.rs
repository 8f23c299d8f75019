use job_schema::job::{Format, Role};
use job_schema::transcript::{Transcript, Word};
use pipeline::formats::{CUE_MAX_CHARS, CUE_MAX_MS};
use proptest::prelude::*;

use crate::call::{render, span, transcript};
use crate::readers::{Cue, read_srt, read_vtt};

/// What an engine may write, and what of it may be shown.
const TEXTS: [(&str, &str); 13] = [
    ("well", "well"),
    ("sentence.", "sentence."),
    ("R&D", "R&D"),
    ("&lt;", "&lt;"),
    ("<b>", "<b>"),
    ("<v", "<v"),
    ("-->", "-->"),
    ("--->", "--->"),
    ("00:01.000 --> 00:02.000", "00:01.000 --> 00:02.000"),
    ("two\n\nlines", "two lines"),
    ("\u{202E}reversed\u{2066}", "reversed"),
    ("\u{7}", ""),
    (
        "hippopotomonstrosesquippedaliophobia",
        "hippopotomonstrosesquippedaliophobia",
    ),
];

fn shown(word: &Word) -> &'static str {
    let known = TEXTS.iter().find(|(text, _)| *text == word.text);
    known.map(|&(_, shown)| shown).expect("a text of the table")
}

fn any_call() -> impl Strategy<Value = Transcript> {
    let word = (
        prop::sample::select(TEXTS.to_vec()),
        0_u64..1_200,
        1_u64..3_000,
    );
    let words = || proptest::collection::vec(word.clone(), 0..30);
    (words(), words(), 0_u64..400_000_000).prop_map(|(agent, customer, offset_ms)| {
        let mut spans = Vec::new();
        for (channel, said) in [(0, agent), (1, customer)] {
            let mut free_from_ms = offset_ms;
            let mut words = Vec::new();
            for ((text, _), gap_ms, length_ms) in said {
                let start_ms = free_from_ms + gap_ms;
                free_from_ms = start_ms + length_ms;
                words.push(Word {
                    text: text.into(),
                    start_ms,
                    end_ms: free_from_ms,
                    confidence: 0.9,
                });
            }
            spans.push(span(channel, words));
        }
        transcript(&[Role::Agent, Role::Customer], offset_ms + 200_000, spans)
    })
}

/// All that is shown of a channel, in order.
fn spoken(call: &Transcript, channel: usize) -> String {
    let words = call.channels[channel].words.iter().map(shown);
    words
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn written(cues: &[Cue], speaker: &str) -> String {
    let own = cues
        .iter()
        .filter(|cue| cue.speaker.as_deref() == Some(speaker));
    own.map(|cue| cue.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_readable(cue: &Cue) -> bool {
    let one_word = TEXTS.iter().any(|(_, shown)| *shown == cue.text);
    let short = cue.text.chars().count() <= CUE_MAX_CHARS;
    one_word || (short && cue.end_ms - cue.start_ms <= CUE_MAX_MS)
}

proptest! {
    #[test]
    fn webvtt_reads_back_as_the_words_it_was_made_from(call in any_call()) {
        let cues = read_vtt(&render(Format::Vtt, &call));
        prop_assert_eq!(written(&cues, "Agent"), spoken(&call, 0));
        prop_assert_eq!(written(&cues, "Customer"), spoken(&call, 1));
        prop_assert!(cues.is_sorted_by_key(|cue| cue.start_ms));
        for cue in &cues {
            let (channel, first_word) = cue.id.split_once('-').unwrap();
            let channel = &call.channels[channel.parse::<usize>().unwrap()];
            let first = &channel.words[first_word.parse::<usize>().unwrap()];
            prop_assert_eq!(cue.start_ms, first.start_ms);
            prop_assert!(cue.end_ms > cue.start_ms);
            prop_assert!(is_readable(cue), "{:?}", cue);
        }
    }

    #[test]
    fn subrip_holds_the_same_cues_numbered_from_one(call in any_call()) {
        let cues = read_srt(&render(Format::Srt, &call));
        let of_vtt = read_vtt(&render(Format::Vtt, &call));
        prop_assert_eq!(cues.len(), of_vtt.len());
        for ((number, cue), other) in (1..).zip(&cues).zip(&of_vtt) {
            prop_assert_eq!(&cue.id, &number.to_string());
            prop_assert_eq!((cue.start_ms, cue.end_ms), (other.start_ms, other.end_ms));
            prop_assert_eq!(&cue.speaker, &other.speaker);
            prop_assert_eq!(&cue.text, &other.text.replace('<', "\u{2039}").replace('>', "\u{203A}"));
        }
    }

    #[test]
    fn turn_text_holds_every_turn_on_a_line(call in any_call()) {
        let document = render(Format::Txt, &call);
        let shown_turns = call.turns.iter()
            .filter(|turn| call.channels[usize::from(turn.channel)].words[turn.words.indexes()]
                .iter().any(|word| !shown(word).is_empty()));
        prop_assert_eq!(document.lines().count(), shown_turns.count());
        let hidden = ['\u{202E}', '\u{2066}', '\u{7}'];
        prop_assert!(!document.contains(hidden));
    }

    #[test]
    fn verbose_json_has_every_shown_word_in_time_order(call in any_call()) {
        let json: serde_json::Value = serde_json::from_str(&render(Format::VerboseJson, &call)).unwrap();
        let words = json["words"].as_array().unwrap();
        let shown_words = call.channels.iter().flat_map(|c| &c.words).filter(|word| !shown(word).is_empty());
        prop_assert_eq!(words.len(), shown_words.count());
        prop_assert!(words.is_sorted_by_key(|word| word["start"].as_f64().unwrap()));
        for (id, segment) in json["segments"].as_array().unwrap().iter().enumerate() {
            prop_assert_eq!(segment["id"].as_u64().unwrap(), u64::try_from(id).unwrap());
            prop_assert!(segment["end"].as_f64() > segment["start"].as_f64());
        }
    }

    /// As a client of the service does it: words with a space between, and marks on the word before them.
    #[test]
    fn the_items_of_call_analytics_give_the_content_of_their_turn(call in any_call()) {
        let json: serde_json::Value = serde_json::from_str(&render(Format::CallAnalytics, &call)).unwrap();
        let turns = json["Transcript"].as_array().unwrap();
        for turn in turns {
            let mut text = String::new();
            for item in turn["Items"].as_array().unwrap() {
                let is_word = item["Type"] == "pronunciation";
                prop_assert!(is_word || !text.is_empty());
                if is_word && !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(item["Content"].as_str().unwrap());
                let ms = |key: &str| item[key].as_u64().unwrap();
                prop_assert!(ms("BeginOffsetMillis") <= ms("EndOffsetMillis"));
            }
            prop_assert_eq!(turn["Content"].as_str().unwrap(), text);
        }
        let ms = |turn: &serde_json::Value| turn["BeginOffsetMillis"].as_u64().unwrap();
        prop_assert!(turns.is_sorted_by_key(ms));
    }
}
